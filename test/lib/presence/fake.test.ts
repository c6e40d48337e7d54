import { expect } from 'chai';
import type { MachineRecord } from '../../../src/lib/mdb/record.ts';
import { planFakes } from '../../../src/lib/presence/fake.ts';
import type { PublicUser } from '../../../src/lib/udb/record.ts';

const machines = ['m1', 'm2', 'm3'].map((hostname) => ({ hostname, mtype: 'user' }) as MachineRecord);
machines.push({ hostname: 'orga1', mtype: 'orga' } as MachineRecord);
const users = ['ada', 'bob', 'eve'].map((login) => ({ login, group: 'user' }) as PublicUser);
users.push({ login: 'boss', group: 'orga' } as PublicUser);
const plan = (words: string[], count = 0, taken: { login: string; hostname: string }[] = []) =>
  planFakes({ words, count }, machines, users, taken, () => 0).map(
    ({ login, hostname }) => `${login}@${hostname}`,
  );

describe('who is pretended to sit where', () => {
  it('takes who is named, at the machine that is named, in either spelling', () => {
    expect(plan(['ada@m2', 'boss@orga1'])).to.deep.equal(['ada@m2', 'boss@orga1']);
    expect(plan(['ada', 'm2'])).to.deep.equal(['ada@m2']);
    expect(plan(['ada@m1', 'bob'])[1]).to.match(/^bob@m[23]$/);
  });

  it('takes contestants at random who sit nowhere, at contestants’ machines that are free', () => {
    const fakes = plan([], 2, [{ login: 'ada', hostname: 'm1' }]);
    expect(fakes.map((one) => one.split('@')[0]).sort()).to.deep.equal(['bob', 'eve']);
    expect(fakes.map((one) => one.split('@')[1]).sort()).to.deep.equal(['m2', 'm3']);
  });

  it('says whom or what there is not', () => {
    expect(() => plan(['zoe'])).to.throw('user "zoe": not in UDB');
    expect(() => plan(['ada@m9'])).to.throw('machine "m9": not in MDB');
    expect(() => plan([], 4)).to.throw('4 contestants wanted, 3 are not logged on');
    const taken = [{ login: 'x', hostname: 'm1' }];
    expect(() => plan(['ada', 'bob'], 1, taken)).to.throw('no machine is left');
  });
});
