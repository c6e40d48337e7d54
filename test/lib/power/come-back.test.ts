import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { expect } from 'chai';
import { comeBack } from '../../../src/lib/power/come-back.ts';
import { openAccess } from '../../../src/lib/ssh/open.ts';
import type { Target } from '../../../src/lib/ssh/protocol.ts';
import { needs } from '../../support/needs.ts';
import { makeSshSite, type SshSite, sshPackages } from '../../support/ssh-site.ts';

describe('comeBack', function () {
  this.timeout(30_000);
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const earlier = '0b7f6c2e-5a0c-4c0e-9f2b-5d9f3c1f8a11';
  let site: SshSite;
  let server: Server;
  let port: number;
  before(async function () {
    needs(this, sshPackages);
    site = await makeSshSite({ machines: 1 });
  });
  after(() => site?.stop());
  /** A port where nothing listens, until the machine is up: then it is that of its sshd. */
  beforeEach(async () => {
    server = createServer((socket) => {
      const to = connect(site.sshd.port, '127.0.1.1');
      socket.on('error', () => to.destroy()).pipe(to);
      to.on('error', () => socket.destroy()).pipe(socket);
    });
    server.listen(0, '127.0.1.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
    server.close();
    await once(server, 'close');
  });
  afterEach(() => server.close());

  const wait = async (before: string, limitMs: number, signal?: AbortSignal) => {
    const { connector, close } = await openAccess(site.test.site, { port });
    const { user } = site.sshd;
    const target: Target = { hostname: 'pas-r01p01', ip: '127.0.1.1', port, user, mtype: 'user', mac: '52:54:00:00:00:01' }; // prettier-ignore
    const options = { limitMs, everyMs: 50, ...(signal ? { signal } : {}) };
    return comeBack(target, before, connector, options).finally(close);
  };

  it('sees a machine that was gone, and has booted', async () => {
    const back = wait(earlier, 20_000);
    setTimeout(() => server.listen(port, '127.0.1.1'), 300);
    const { status, reason } = await back;
    expect(`${status}: ${reason}`).to.match(/^ok: back after \d+ s$/);
  });

  it('says what the last try found when the time is over', async () => {
    expect(await wait(earlier, 400)).to.include({
      status: 'timeout',
      reason: 'not back in 0 s: no sshd listens there',
    });
    server.listen(port, '127.0.1.1');
    await once(server, 'listening');
    expect((await wait(bootId, 3000)).reason).to.equal('not back in 3 s: it has not gone down');
  });

  it('waits no longer than the operator does', async () => {
    expect(await wait(earlier, 20_000, AbortSignal.timeout(100))).to.include({ status: 'stopped' });
  });
});
