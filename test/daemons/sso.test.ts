import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { start as startMdbsync } from '../../src/daemons/mdbsync.ts';
import { start as startPresencesync } from '../../src/daemons/presencesync.ts';
import { start as startSso } from '../../src/daemons/sso.ts';
import type { RunningDaemon } from '../../src/lib/http/daemon.ts';
import { removeMachines } from '../../src/lib/mdb/machines.ts';
import { renderSsoFiles } from '../../src/lib/sso/nginx.ts';
import { ask, fillSite } from '../lib/presence/support.ts';
import { needs } from '../support/needs.ts';
import { getPage, type Nginx, type Page, startNginx } from '../support/nginx.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

const NETWORK = {
  networks: [{ name: 'lan', cidr: '127.0.1.0/24', role: 'machines', gateway: '127.0.1.254' }],
  pools: { user: '127.0.1.1-127.0.1.100', orga: 'user', service: '127.0.1.101-127.0.1.200', cluster: 'user' },
  sso: { overrides: { '127.0.1.90': 'kiosk' } },
};
const [M1, M2, STRANGER, KIOSK] = ['127.0.1.1', '127.0.1.2', '127.0.1.77', '127.0.1.90'] as const;

describe('sso behind a real nginx', function () {
  this.timeout(30_000);
  let test: TestSite;
  let sso: RunningDaemon;
  let nginx: Nginx;
  let page: Server;
  let presence: RunningDaemon;
  let port: number;
  const daemons: RunningDaemon[] = [];

  before(async function () {
    needs(this, { nginx: 'nginx-light' });
    test = await makeTestSite(NETWORK);
    await fillSite(test.site, await test.store(), 2);
    daemons.push(await startMdbsync(test.context));
    presence = await startPresencesync(test.context);
    daemons.push(presence);
    sso = await startSso(test.context);
    // The page says what nginx told it of who asks.
    page = createServer((request, response) =>
      response.end(String(request.headers['x-sso-user'] ?? 'a stranger')),
    );
    await new Promise<void>((done) => page.listen(0, '127.0.0.1', done));
    const backend = (page.address() as AddressInfo).port;
    const dir = join(test.dir, 'nginx');
    port = test.site.config.portBase + 5;
    const location = `include ${dir}/sso/protect; proxy_pass http://127.0.0.1:${backend};`;
    nginx = await startNginx(
      dir,
      // As at a real site: nobody here can look that name up, nor is it to be asked.
      renderSsoFiles({ ...test.site.config, serviceUrl: 'http://{service}/' }),
      `include ${dir}/conf.d/sso.conf;\nserver {\nlisten 127.0.0.1:${port};\ninclude ${dir}/sso/handler;\nlocation / { ${location} }\n}`,
      port,
    );
    await until(M1, (text) => text.startsWith('unknown: logged-out'));
  });
  after(async () => {
    await nginx?.stop();
    page?.close();
    await sso?.close();
    for (const daemon of daemons.reverse()) await daemon.close();
    await test?.remove();
  });

  const get = (from: string, headers: Record<string, string> = {}): Promise<Page> =>
    getPage(`http://127.0.0.1:${port}/`, from, headers);

  async function until(from: string, is: (status: string) => boolean): Promise<Page> {
    for (let tries = 0; ; tries++) {
      const answer = await get(from);
      if (is(String(answer.headers['x-sso-status']))) return answer;
      if (tries > 200) throw new Error(`sso never said so: ${JSON.stringify(answer)}`);
      await new Promise((done) => setTimeout(done, 25));
    }
  }

  it('a page knows who sits where it is asked from, a moment after the login, and no more after the logout', async () => {
    await ask({ url: presence.url!, site: test.site }, 'login', { login: 'u1', hostname: 'm1' });
    const answer = await until(M1, (status) => status.startsWith('working'));
    expect(answer.text).to.equal('u1');
    expect(answer.headers).to.include({
      'x-sso-backend-status': 'working',
      'x-sso-status': `working: machine ${M1} has login u1`,
      'x-sso-user': 'u1',
    });
    await ask({ url: presence.url!, site: test.site }, 'logout', { login: 'u1', hostname: 'm1' });
    await until(M1, (status) => status === `unknown: logged-out machine: machine ${M1} has no login`);
  });

  it('a browser cannot name itself', async () => {
    const answer = await get(M2, { 'X-SSO-User': 'boss', 'X-Real-IP': KIOSK });
    expect(answer.text).to.equal('a stranger');
    expect(answer.headers['x-sso-user']).to.equal(undefined);
  });

  it('an address that MDB has not, and one that an override names', async () => {
    expect((await get(STRANGER)).headers['x-sso-status']).to.equal(
      `unknown: unknown IP: machine ${STRANGER} has no login`,
    );
    expect((await get(KIOSK)).text).to.equal('kiosk');
  });

  it('asked directly: SADM’s statuses, and 400 without the header', async () => {
    const without = await fetch(`${sso.url}/`);
    expect([without.status, without.headers.get('x-sso-status')]).to.deep.equal([
      400,
      'unknown: missing header',
    ]);
    const from = await fetch(`${sso.url}/`, { headers: { 'x-real-ip': '8.8.8.8' } });
    expect([from.status, from.headers.get('x-sso-user')]).to.deep.equal([200, null]);
    expect((await fetch(`${sso.url}/other`)).status).to.equal(404);
  });

  it('a machine that leaves MDB has nobody', async () => {
    await ask({ url: presence.url!, site: test.site }, 'login', { login: 'u2', hostname: 'm2' });
    await until(M2, (status) => status.startsWith('working'));
    await removeMachines(await test.store(), test.site.config, 'test', ['m2']);
    await until(M2, (status) => status.startsWith('unknown'));
  });

  it('without sso pages go on, everybody a stranger, and the browser is told why', async () => {
    await sso.close();
    const answer = await get(M1);
    expect(answer.status).to.equal(200);
    expect(answer.text).to.equal('a stranger');
    expect(answer.headers['x-sso-backend-status']).to.equal('no answer: status 502');
  });
});
