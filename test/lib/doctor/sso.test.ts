import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { start as startMdbsync } from '../../../src/daemons/mdbsync.ts';
import { start as startPresencesync } from '../../../src/daemons/presencesync.ts';
import { start as startSso } from '../../../src/daemons/sso.ts';
import { walkSsoAt } from '../../../src/lib/doctor/doctor.ts';
import { walkSso } from '../../../src/lib/doctor/sso.ts';
import type { RunningDaemon } from '../../../src/lib/http/daemon.ts';
import { renderSsoFiles } from '../../../src/lib/sso/nginx.ts';
import { needs } from '../../support/needs.ts';
import { type Nginx, startNginx } from '../../support/nginx.ts';
import { makeTestSite, type TestSite } from '../../support/site.ts';
import { ask, fillSite } from '../presence/support.ts';

const NETWORK = {
  networks: [{ name: 'lan', cidr: '127.0.1.0/24', role: 'machines', gateway: '127.0.1.254' }],
  pools: { user: '127.0.1.1-127.0.1.100', orga: 'user', service: '127.0.1.101-127.0.1.200', cluster: 'user' },
  sso: { overrides: { '127.0.1.90': 'kiosk' } },
};

describe('doctor sso', function () {
  this.timeout(30_000);
  let test: TestSite;
  let nginx: Nginx;
  let sso: RunningDaemon;
  let presence: RunningDaemon;
  let mdbsync: RunningDaemon;
  let base: string;

  const told = async (seat: string, page?: string): Promise<string[]> =>
    (await walkSsoAt(test.site, seat, page)).findings.map(({ colour, what }) => `${colour}: ${what}`);
  const last = async (seat: string, page?: string): Promise<string> => (await told(seat, page)).at(-1)!;
  /** sso hears of it a moment later. */
  async function until(seat: string, is: RegExp): Promise<void> {
    for (let tries = 0; !is.test((await told(seat)).join('\n')); tries++) {
      if (tries > 100) throw new Error(`never said: ${(await told(seat)).join('\n')}`);
      await sleep(50);
    }
  }

  before(async function () {
    needs(this, { nginx: 'nginx-light' });
    test = await makeTestSite(NETWORK);
    await fillSite(test.site, await test.store(), 2);
    mdbsync = await startMdbsync(test.context);
    presence = await startPresencesync(test.context);
    sso = await startSso(test.context);
    const dir = join(test.dir, 'nginx');
    const port = test.site.config.portBase + 5;
    base = `http://127.0.0.1:${port}`;
    const files = renderSsoFiles(test.site.config);
    // Without the header that says who asks.
    const noIp = files['sso/handler']!.replace(/^.*X-Real-IP.*$/m, '');
    nginx = await startNginx(
      dir,
      { ...files, 'sso/no-ip': noIp },
      `include ${dir}/conf.d/sso.conf;
       server { listen 127.0.0.1:${port}; include ${dir}/sso/handler;
         location / { include ${dir}/sso/protect; return 200; }
         location /page { include ${dir}/sso/protect; root ${dir}; try_files /nginx.conf =404; }
         location /open { root ${dir}; try_files /nginx.conf =404; } }
       server { listen 127.0.0.1:${port + 1}; include ${dir}/sso/no-ip;
         location / { include ${dir}/sso/protect; root ${dir}; try_files /nginx.conf =404; } }`,
      port,
    );
    await ask({ url: presence.url!, site: test.site }, 'login', { login: 'u1', hostname: 'm1' });
    await until('m1', /sso answers: working/);
  });
  after(async () => {
    await nginx?.stop();
    for (const daemon of [sso, presence, mdbsync]) await daemon?.close();
    await test?.remove();
  });

  it('all links hold: by address, by name, and by a page that nginx protects', async () => {
    const links = [
      'green: MDB: 127.0.1.1 is m1',
      'green: sso answers: working: machine 127.0.1.1 has login u1',
      'green: presencesync: u1 is logged on at m1',
    ];
    expect(await told('127.0.1.1')).to.deep.equal(links);
    expect(await told('m1', `${base}/page`)).to.deep.equal([
      ...links,
      `green: ${base}/page: nginx asks sso; a page that still knows nobody reads another header than X-SSO-User`,
    ]);
  });

  it('an address that MDB has not, and a seat where nobody is', async () => {
    expect(await told('127.0.1.77')).to.deep.equal(['red: MDB: no machine has the address 127.0.1.77']);
    expect(await last('m2')).to.equal('red: presencesync: nobody is logged on at m2');
  });

  it('an override is said, and holds', async () => {
    expect(await told('127.0.1.90')).to.deep.equal([
      'yellow: 127.0.1.90: sso.overrides in prolo.yml says kiosk, whatever presence says',
      'green: sso answers: working: machine 127.0.1.90 has login kiosk',
    ]);
  });

  it('a page without the stubs, one whose nginx does not say who asks, and none', async () => {
    expect(await last('m1', `${base}/open`)).to.match(/^red: .*includes no sso\/protect$/);
    const noIp = `http://127.0.0.1:${test.site.config.portBase + 6}/`;
    expect(await last('m1', noIp)).to.match(/^red: .*includes no sso\/handler$/);
    expect(await last('m1', 'http://127.0.0.1:1/')).to.equal('red: http://127.0.0.1:1/: not running');
  });

  it('a presencesync that is stopped: sso says what it last heard', async () => {
    await presence.close();
    try {
      expect(await last('m1')).to.equal('red: presencesync: not running');
    } finally {
      presence = await startPresencesync(test.context);
    }
    await until('m1', /green: presencesync: u1/);
  });

  it('an sso that hears no more of logins, or nothing of machines', () => {
    const facts = { ip: '127.0.1.1', override: undefined, machine: { hostname: 'm1' }, session: 'u1' };
    const say = (status: string, login?: string) =>
      walkSso({ ...facts, sso: { status, login } }).at(-1)!.what;
    expect(say('unknown: logged-out machine')).to.match(/not u1: it hears no more of presencesync$/);
    expect(say('unknown: unknown IP')).to.match(/not u1: it hears no more of mdbsync$/);
    expect(say('working: …', 'u2')).to.match(/it says u2, and not u1/);
  });

  it('an sso that is stopped', async () => {
    await sso.close();
    expect(await last('m1')).to.equal('red: sso: not running');
    expect(await last('m1', `${base}/page`)).to.equal('red: sso: not running');
    sso = await startSso(test.context);
  });
});
