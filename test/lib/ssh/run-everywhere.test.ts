import { expect } from 'chai';
import { type Access, openAccess } from '../../../src/lib/ssh/open.ts';
import type { Job, Outcome, Sink, Target } from '../../../src/lib/ssh/protocol.ts';
import { runEverywhere, type RunOptions } from '../../../src/lib/ssh/run-everywhere.ts';
import { needs } from '../../support/needs.ts';
import { makeSshSite, type SshSite, sshPackages } from '../../support/ssh-site.ts';

const MACHINES = 4;
/** Says which machine it is: 127.0.1.3 is 3. */
const WHO = 'set -- $SSH_CONNECTION; echo ${3##*.}';

describe('one job on many machines', function () {
  this.timeout(60_000);
  let site: SshSite;
  let access: Access;
  before(async function () {
    needs(this, sshPackages);
    site = await makeSshSite({ machines: MACHINES });
    access = await openAccess(site.test.site, {});
  });
  after(() => site?.stop());

  const targets = (): Target[] =>
    Array.from({ length: MACHINES }, (_, i) => ({
      hostname: `m${i + 1}`,
      ip: site.sshd.ip(i + 1),
      port: site.sshd.port,
      user: site.sshd.user,
      mtype: 'user',
      mac: `52:54:00:00:01:0${i + 1}`,
    }));

  /** What the sink was told, in order: `m1 stdout text`, `m1 ends ok`. */
  async function run(
    job: Job,
    options: Partial<RunOptions> & { targets?: Target[]; sink?: Partial<Sink> } = {},
  ) {
    const told: string[] = [];
    const sink: Sink = {
      write: (hostname, stream, chunk) => void told.push(`${hostname} ${stream} ${chunk.toString().trim()}`),
      end: ({ hostname, status }) => void told.push(`${hostname} ends ${status}`),
      ...options.sink,
    };
    const outcomes = await runEverywhere(options.targets ?? targets(), job, access.connector, sink, {
      fanout: 10,
      commandMs: 30_000,
      ...options,
    });
    return { told, outcomes };
  }
  const statuses = (outcomes: Outcome[]): string[] =>
    outcomes.map(({ hostname, status, exitCode }) => `${hostname} ${status} ${exitCode ?? '-'}`).sort();

  it('hands on the output of each, and then its end, once', async () => {
    const { told, outcomes } = await run({ command: `${WHO}; ${WHO} >&2` });
    expect(statuses(outcomes)).to.deep.equal([1, 2, 3, 4].map((n) => `m${n} ok 0`));
    for (const n of [1, 2, 3, 4]) {
      const own = told.filter((line) => line.startsWith(`m${n} `));
      expect(own.slice(0, 2)).to.have.members([`m${n} stdout ${n}`, `m${n} stderr ${n}`]);
      expect(own.slice(2)).to.deep.equal([`m${n} ends ok`]);
    }
  });

  it('one at once is one after the other', async () => {
    const { told } = await run({ command: WHO }, { fanout: 1 });
    expect(told).to.deep.equal([1, 2, 3, 4].flatMap((n) => [`m${n} stdout ${n}`, `m${n} ends ok`]));
  });

  it('a machine that fails, and one that is not there, hold up no other', async () => {
    const all = targets();
    all[1]!.port = 1;
    const { outcomes } = await run(
      { command: `n=$(${WHO}); [ $n != 3 ] || exit 7` },
      { targets: all, fanout: 2 },
    );
    expect(statuses(outcomes)).to.deep.equal(['m1 ok 0', 'm2 unreachable -', 'm3 failed 7', 'm4 ok 0']);
  });

  it('gives each the same input', async () => {
    const input = Buffer.from('line\n');
    const { told } = await run({ command: 'cat', input });
    expect(told.filter((line) => line.includes('stdout')).sort()).to.deep.equal(
      [1, 2, 3, 4].map((n) => `m${n} stdout line`),
    );
  });

  it('once nobody waits, what came is kept, and the others are neither started nor waited for', async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    const { outcomes } = await run(
      { command: `${WHO}; exec sleep 10` },
      {
        fanout: 2,
        signal: stop.signal,
        sink: {
          write(hostname) {
            seen.push(hostname);
            if (seen.length === 2) stop.abort();
          },
        },
      },
    );
    expect(seen.sort()).to.deep.equal(['m1', 'm2']);
    expect(statuses(outcomes)).to.deep.equal([1, 2, 3, 4].map((n) => `m${n} stopped -`));
  });

  it('a sink that is slow is not given more than it takes', async () => {
    let [inside, most, bytes] = [0, 0, 0];
    await run(
      { command: 'head -c 1000000 /dev/zero' },
      {
        targets: targets().slice(0, 1),
        sink: {
          async write(_hostname, _stream, chunk) {
            most = Math.max(most, ++inside);
            await new Promise((resolve) => setImmediate(resolve));
            inside--;
            bytes += chunk.length;
          },
        },
      },
    );
    expect({ most, bytes }).to.deep.equal({ most: 1, bytes: 1_000_000 });
  });
});
