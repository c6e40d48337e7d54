import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { serviceUrl, type ServiceName } from '../../src/lib/site/site.ts';
import { changeMachines } from '../../src/lib/mdb/machines.ts';
import { openStore } from '../../src/lib/store/store.ts';
import { ask, fillSite, getList } from '../lib/presence/support.ts';
import { follow, type Follower, postSigned } from '../support/feed.ts';
import { needs } from '../support/needs.ts';
import { type Cluster, postgresPackages, queryPostgres, startCluster } from '../support/postgres.ts';
import { startDaemonProcess, type TestProcess } from '../support/processes.ts';
import { callRpc } from '../support/rpc.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

/** Generous: an answer is waited for 1.5 s, and who has to wait for another's goes after it. */
const BOUND_MS = 10_000;

describe('daemons whose database is away for a while', function () {
  this.timeout(120_000);
  let cluster: Cluster;
  let test: TestSite;
  let daemons: TestProcess;
  let feed: Follower;
  const url = (service: ServiceName): string => serviceUrl(test.site.config, service);
  const presence = (): { site: TestSite['site']; url: string } => ({
    site: test.site,
    url: url('presencesync'),
  });
  const mac = (n: number): string => `02:00:00:00:00:${n.toString(16).padStart(2, '0')}`;
  const login = (n: number) => ask(presence(), 'login', { login: `u${n}`, hostname: `m${n}` });
  const publish = (n: number, room: string) =>
    postSigned(
      `${url('mdbsync')}/update`,
      test.site.secret('mdbsync.publish'),
      JSON.stringify([
        {
          type: 'update',
          data: {
            ...{ hostname: `m${n}`, mac: mac(n), ip: `192.168.0.${n}`, mtype: 'user', room, aliases: '' },
            ...{ rfs: 0, hfs: 0, is_faulty: false, is_faulty_details: '' },
          },
        },
      ]),
    );
  const openHome = (n: number) =>
    callRpc(
      url('hfsdb'),
      'open',
      { login: `u${n}`, hfs: 0, ip: '127.0.0.1' },
      test.site.secret('hfs.control'),
    );
  const statuses = async (n: number): Promise<number[]> =>
    (await Promise.all([publish(n, 'other'), login(n), openHome(1)])).map(({ status }) => status);
  /** Whoever asks while it is away. */
  const refusedInTime = async (n: number): Promise<void> => {
    const startedMs = performance.now();
    expect(await statuses(n)).to.deep.equal([503, 503, 503]);
    expect(performance.now() - startedMs).to.be.below(BOUND_MS);
    const beat = await ask(presence(), 'heartbeat', { login: 'u1', hostname: 'm1' });
    expect(beat.status, 'who is there already').to.equal(200);
  };
  const works = async (n: number): Promise<void> => {
    expect(await statuses(n)).to.deep.equal([200, 200, 200]);
    await feed.until(() => feed.state.get(mac(n))?.room === 'other');
    expect(await getList(presence())).to.include({ u1: 'm1', [`u${n}`]: `m${n}` });
    expect(daemons.child.exitCode).to.equal(null);
  };

  before(async function () {
    needs(this, postgresPackages);
    cluster = startCluster();
    test = await makeTestSite({ database: `${cluster.url}?query_timeout=1500&statement_timeout=1700` });
    await fillSite(test.site, await test.store(), 10);
    daemons = await startDaemonProcess(test.site.file, 'hfsdb', 'presencesync', 'mdbsync');
    feed = follow({ url: url('mdbsync'), secret: test.site.secret('mdbsync.subscribe'), pk: 'mac' });
    await feed.until(() => feed.state.size === 11);
    await login(1);
    await works(1);
  });
  after(async () => {
    await feed?.stop();
    await daemons?.kill();
    await test?.remove();
    cluster?.remove();
  });

  it('say so in time while it stands still, and work once it goes on', async () => {
    cluster.freeze();
    try {
      await refusedInTime(2);
      await sleep(2_000); // until nobody waits any more for what was to be taken back
    } finally {
      cluster.thaw();
    }
    await works(2);
    const open = await queryPostgres(
      cluster.url,
      `select 1 from pg_stat_activity where state like 'idle in%'`,
    );
    expect(open, 'transactions that nobody ends').to.deep.equal([]);
  });

  for (const [mode, n, name] of [
    ['fast', 3, 'shut down'],
    ['immediate', 4, 'killed'],
  ] as const)
    it(`say so at once while it is ${name}, work once it is back, and tell what others wrote meanwhile`, async () => {
      cluster.stop(mode);
      await refusedInTime(n);
      cluster.start();
      // Another process, before any of the daemons has a connection again.
      const other = await openStore(cluster.url);
      try {
        const input = { hostname: `new${n}`, mac: mac(100 + n), mtype: 'user' as const };
        await changeMachines(other, test.site.config, 'test', () => ({ wishes: [{ input }] }));
      } finally {
        await other.close();
      }
      await feed.until(() => feed.state.has(mac(100 + n)));
      await works(n);
    });

  it('have written each thing once, and nothing of what was refused', async () => {
    const rows = await queryPostgres(
      cluster.url,
      `select details from audit where action = 'presence login' order by id`,
    );
    expect(rows.map(({ details }) => details)).to.deep.equal([
      'u1 at m1',
      'u2 at m2',
      'u3 at m3',
      'u4 at m4',
    ]);
  });
});
