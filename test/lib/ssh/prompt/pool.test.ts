import { expect } from 'chai';
import type { Target } from '../../../../src/lib/ssh/protocol.ts';
import { openAccess } from '../../../../src/lib/ssh/open.ts';
import { createPool, type MachineState, type Pool } from '../../../../src/lib/ssh/prompt/pool.ts';
import { needs } from '../../../support/needs.ts';
import { makeSshSite, type SshSite, sshPackages } from '../../../support/ssh-site.ts';

/** What each machine said, and how it ended. */
function collect() {
  const said = new Map<string, string>();
  const ended = new Map<string, string>();
  return {
    said,
    ended,
    write: (hostname: string, _: string, chunk: Buffer) =>
      void said.set(hostname, (said.get(hostname) ?? '') + chunk.toString()),
    end: ({ hostname, status, reason }: { hostname: string; status: string; reason?: string }) =>
      void ended.set(hostname, reason ?? status),
  };
}

describe('kept connections', function () {
  this.timeout(30_000);
  let site: SshSite;
  let pool: Pool;
  let changes: [string, MachineState][];
  let targets: Target[];
  let wake: () => void = () => undefined;
  before(async function () {
    needs(this, sshPackages);
    site = await makeSshSite({ machines: 3, config: ['MaxSessions 2'] });
  });
  after(() => site?.stop());
  beforeEach(async () => {
    const access = await openAccess(site.test.site, {});
    targets = site.hostnames.map((hostname, i) =>
      access.targetOf({ hostname, ip: site.sshd.ip(i + 1), mtype: 'user' } as never),
    );
    changes = [];
    pool = createPool({
      connector: access.connector,
      fanout: 2,
      retryMs: 50,
      maxRetryMs: 200,
      onChange: (hostname, state) => (changes.push([hostname, state]), wake()),
    });
  });
  afterEach(() => pool.close());
  const run = async (
    command: string,
    limits: { commandMs: number; signal?: AbortSignal } = { commandMs: 0 },
  ) => {
    const sink = collect();
    await pool.run({ command }, sink, limits);
    return sink;
  };
  const until = async (hostname: string, is: MachineState['is']): Promise<void> => {
    while (pool.states.get(hostname)?.is !== is) await new Promise<void>((resolve) => (wake = resolve));
  };

  it('make one handshake for many commands', async () => {
    pool.select(targets);
    const first = await run('echo $PPID');
    expect([...first.said.keys()].sort()).to.deep.equal(site.hostnames);
    expect((await run('echo $PPID')).said).to.deep.equal(first.said);
  });

  it('stay with the machines that a new selection has too', async () => {
    pool.select(targets.slice(0, 2));
    const first = await run('echo $PPID');
    pool.select(targets.slice(1));
    const second = await run('echo $PPID');
    expect([...second.said.keys()].sort()).to.deep.equal(site.hostnames.slice(1));
    expect(second.said.get(site.hostnames[1]!)).to.equal(first.said.get(site.hostnames[1]!));
    expect([...pool.states.keys()]).to.deep.equal(site.hostnames.slice(1));
  });

  it('are made again when they died, and said to be down meanwhile', async () => {
    pool.select(targets);
    await pool.settled();
    await run('kill -9 $PPID', { commandMs: 5000 });
    for (const hostname of site.hostnames) await until(hostname, 'up');
    const downs = changes.filter(([, { is }]) => is === 'down');
    expect(new Set(downs.map(([hostname]) => hostname)).size).to.equal(3);
    expect((await run('echo back')).said.size).to.equal(3);
  });

  it('say of a machine that is down why, and run at the others', async () => {
    pool.select([...targets.slice(0, 2), { ...targets[2]!, port: 1 }]);
    const { said, ended } = await run('echo here');
    expect(said.size).to.equal(2);
    expect(ended.get(site.hostnames[2]!)).to.equal('no sshd listens there');
  });

  it('end when a machine freezes, and are made again', async () => {
    const access = await openAccess(site.test.site, {});
    pool.close();
    pool = createPool({
      connector: { ...access.connector, aliveMs: 100 },
      fanout: 2,
      retryMs: 50,
      onChange: (hostname, state) => (changes.push([hostname, state]), wake()),
    });
    pool.select(targets.slice(0, 1));
    const [hostname] = site.hostnames as [string];
    const frozen = Number((await run('echo $PPID')).said.get(hostname));
    try {
      const { ended } = await run('kill -STOP $PPID; sleep 20');
      expect(ended.get(hostname)).to.equal('it answers no more');
      await until(hostname, 'up');
      expect((await run('echo back')).said.get(hostname)).to.equal('back\n');
    } finally {
      process.kill(frozen, 'SIGKILL');
    }
  });

  it('take the place of those that too many commands nobody waited for still use', async () => {
    pool.select(targets.slice(0, 1));
    for (let i = 0; i < 3; i++) {
      const { ended } = await run('sleep 5', { commandMs: 100 });
      expect([...ended.values()]).to.deep.equal(['no end in 0.1 s']);
    }
    expect((await run('echo served')).said.get(site.hostnames[0]!)).to.equal('served\n');
  });

  it('are not waited for by an operator who stops', async () => {
    const stop = new AbortController();
    pool.select(targets);
    const running = run('echo started; sleep 5', { commandMs: 0, signal: stop.signal });
    setTimeout(() => stop.abort(), 500);
    const { said, ended } = await running;
    expect(said.size).to.equal(2); // the third waits for its turn
    expect(new Set(ended.values())).to.deep.equal(new Set(['not waited for']));
  });
});
