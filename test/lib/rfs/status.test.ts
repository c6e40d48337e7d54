import { expect } from 'chai';
import type { Machine } from '../../../src/lib/mdb/record.ts';
import { describeStatus } from '../../../src/lib/rfs/describe.ts';
import { bootFiles, type RfsRecord } from '../../../src/lib/rfs/record.ts';
import { isNews } from '../../../src/lib/rfs/running.ts';
import { decideStatus, type Known, type ServerState } from '../../../src/lib/rfs/status.ts';
import { manifestOf } from '../../support/rfs.ts';

const now = Date.parse('2026-05-09T10:00:00Z');
const minutesAgo = (minutes: number): string => new Date(now - minutes * 60_000).toISOString();
const machine = (hostname: string, rfs: number, mtype = 'user'): Machine =>
  ({ hostname, rfs, mtype }) as Machine;
const record = (rfs: number, version: number, tried?: [number, string]): RfsRecord => {
  const files = (one: number) => bootFiles({ version: one, rootHash: 'a'.repeat(64) });
  return { rfs, ...files(version), canary: tried ? { ...files(tried[0]), machines: [tried[1]] } : null };
};
const server = (n: number, versions?: number[], trouble?: string): ServerState => ({
  hostname: `rhfs${n}`,
  numbers: [n],
  versions,
  ...(trouble === undefined ? {} : { trouble }),
});

/** Version 1 is pruned, 2 was, 3 is booted, 4 is tried by pc4. */
const known: Known = {
  rows: [4, 3, 2, 1].map((n) => ({
    manifest: manifestOf(n),
    bootedAt: minutesAgo(600),
    leftAt: null,
    prunedAt: n === 1 ? minutesAgo(60) : null,
  })),
  boots: [record(0, 3, [4, 'pc4']), record(1, 3)],
  machines: [
    ...[1, 2, 3, 4, 5].map((n) => machine(`pc${n}`, n % 2)),
    machine('rhfs0', 0, 'service'),
    machine('far', 7),
  ],
  running: [
    { hostname: 'pc1', version: 3, kernel: '6.1.0', seenAt: minutesAgo(1) },
    { hostname: 'pc2', version: 2, kernel: '6.1.0', seenAt: minutesAgo(16) },
    { hostname: 'pc3', version: 2, kernel: '6.1.0', seenAt: minutesAgo(31) },
    { hostname: 'pc4', version: 4, kernel: '6.1.0', seenAt: minutesAgo(2) },
  ],
  tags: [
    { name: 'finals', version: 2 },
    { name: 'tested', version: 2 },
  ],
  copies: [
    { hostname: 'rhfs0', version: 2, verifiedAt: minutesAgo(5), damage: ['root.img'] },
    { hostname: 'rhfs2', version: 3, verifiedAt: minutesAgo(5), damage: [] },
  ],
  servers: [server(0, [4, 3, 2]), server(1, [4, 2]), server(2, undefined, 'server rhfs2: no answer in 4 s')],
  nowMs: now,
};

describe('the state of versions', () => {
  const status = decideStatus(known);
  const of = (version: number) => status.versions.find((one) => one.version === version)!;

  it('is who has which', () => {
    expect(of(4).servers).to.deep.equal({ rhfs0: 'there', rhfs1: 'there', rhfs2: 'unknown' });
    expect(of(3).servers).to.deep.equal({ rhfs0: 'there', rhfs1: 'missing', rhfs2: 'there' });
    expect(of(2).servers).to.deep.equal({ rhfs0: 'damaged', rhfs1: 'there', rhfs2: 'unknown' });
    expect(status.pruned).to.deep.equal([1]);
  });

  it('without asking is what each proved before', () => {
    const servers = [server(0), server(1), server(2)];
    const { versions } = decideStatus({ ...known, servers });
    expect(versions[1]!.servers).to.deep.equal({ rhfs0: 'missing', rhfs1: 'missing', rhfs2: 'there' });
  });

  it('is put right where a clock was ahead: who was heard of then is silent, until they say more', () => {
    const ahead = { hostname: 'pc1', version: 3, kernel: '6.1.0', seenAt: minutesAgo(-600) };
    const { silent } = decideStatus({ ...known, running: [ahead] });
    expect(silent).to.include('pc1');
    expect(isNews(ahead, ahead, now)).to.equal(true);
    expect(isNews({ ...ahead, seenAt: minutesAgo(5) }, ahead, now)).to.equal(false);
  });

  it('is who runs and boots which, who is behind, and who does not say', () => {
    expect(of(3)).to.deep.include({ runBy: ['pc1'], bootedBy: [0, 1], triedBy: [] });
    expect(of(4)).to.deep.include({ runBy: ['pc4'], bootedBy: [], triedBy: ['pc4'] });
    expect(of(2)).to.deep.include({ tags: ['finals', 'tested'], runBy: ['pc2'] });
    expect(status.behind).to.deep.equal([{ hostname: 'pc2', runs: 2, boots: 3 }]);
    expect(status.silent).to.deep.equal(['pc3', 'pc5']);
  });

  it('is a table, and below it what is not as it should be', () => {
    expect(describeStatus({ ...status, trouble: undefined }, {}).split('\n')).to.deep.equal([
      'VERSION  MADE UTC          IMAGE  ON    RUN BY  BOOTED BY    TAGS           MESSAGE',
      '4        2026-05-08 22:00  1 MB   2/3?  1       pc4 (trial)  -              number 4',
      '3        2026-05-08 22:00  1 MB   2/3   1       rfs[0-1]     -              number 3',
      '2        2026-05-08 22:00  1 MB   1/3?  1       -            finals,tested  number 2',
      '? server rhfs2: no answer in 4 s',
      'version 3: not on rhfs1',
      'version 2: damaged on rhfs0: prolo rfs verify 2 --repair',
      '1 behind, running 2 in place of 3: pc2',
      '2 not heard of for 30 minutes, or never: pc[3,5]',
    ]);
  });

  it('ends where the terminal does', () => {
    const long = {
      ...status,
      versions: status.versions.map((one) => ({ ...one, message: 'word '.repeat(40) })),
    };
    const [, first] = describeStatus({ ...long, trouble: undefined }, { isTTY: true, columns: 80 }).split(
      '\n',
    );
    expect(first).to.have.length(80);
    expect(first).to.match(/…$/);
  });
});
