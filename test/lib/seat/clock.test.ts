import { expect } from 'chai';
import { ProloError } from '../../../src/lib/errors.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { keepClock } from '../../../src/lib/seat/clock.ts';

describe('the clock of a machine', () => {
  const keep = async (offSeconds: number, works = true): Promise<{ set: number[]; said?: string }> => {
    const set: number[] = [];
    const system = {
      setClock: (ms: number) =>
        works ? Promise.resolve(void set.push(ms)) : Promise.reject(new ProloError('failed', 'date: no')),
    };
    const said = await keepClock(system, silentLog, offSeconds, () => 1_000_000);
    return { set, ...(said === undefined ? {} : { said }) };
  };

  it('up to 60 s off: left alone', async () => {
    for (const off of [0, 60, -60]) expect(await keep(off)).to.deep.equal({ set: [] });
  });
  it('more than 60 s off: set from the gateway', async () => {
    expect(await keep(61)).to.deep.equal({ set: [1_061_000] });
    expect(await keep(-3600)).to.deep.equal({ set: [-2_600_000] });
  });
  it('cannot be set: said', async () => {
    expect(await keep(90, false)).to.deep.equal({
      set: [],
      said: 'the clock of this machine is 90 s behind and cannot be set',
    });
    expect((await keep(-7200, false)).said).to.equal(
      'the clock of this machine is 7200 s ahead and cannot be set',
    );
  });
});
