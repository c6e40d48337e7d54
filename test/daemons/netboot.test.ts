import { appendFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { start } from '../../src/daemons/netboot.ts';
import { dhcpPaths } from '../../src/lib/dhcp/paths.ts';
import type { RunningDaemon } from '../../src/lib/http/daemon.ts';
import { addMachine, setBootOnce, updateMachine } from '../../src/lib/mdb/machines.ts';
import { setSetting } from '../../src/lib/mdb/settings.ts';
import { saveSwitch } from '../../src/lib/mdb/switches.ts';
import type { StageReport } from '../../src/lib/netboot/stages.ts';
import { followStages } from '../../src/lib/netboot/watch-client.ts';
import type { Store } from '../../src/lib/store/store.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

const MAC = '52:54:00:00:00:01';

describe('netboot daemon', () => {
  let made: TestSite;
  let store: Store;
  let daemon: RunningDaemon;
  let get: (path: string, init?: RequestInit) => Promise<{ status: number; text: string; headers: Headers }>;

  before(async () => {
    made = await makeTestSite({
      netboot: {
        bootUrl: '{netboot}/files',
        kernel: 'vmlinuz',
        initrd: ['initrd.img'],
        registrationsPerMinute: 5,
      },
    });
    store = await made.store();
    const { config } = made.site;
    await addMachine(store, config, 'test', {
      hostname: 'rhfs01',
      mac: '52:54:00:00:01:01',
      mtype: 'service',
      aliases: ['rfs0'],
    });
    await addMachine(store, config, 'test', { hostname: 'pas-r01p01', mac: MAC });
    await saveSwitch(store, config, 'test', {
      name: 'sw1',
      chassis: '02:99:71:f6:c6:5a',
      rfs: 0,
      hfs: 0,
      room: 'pasteur',
    });
    const files = made.site.statePath('boot');
    mkdirSync(join(files, 'arch'), { recursive: true });
    writeFileSync(join(files, 'vmlinuz'), '0123456789');
    writeFileSync(join(files, 'arch/inside'), 'inside');
    writeFileSync(join(made.dir, 'outside'), 'TOP SECRET');
    symlinkSync(join(files, 'vmlinuz'), join(files, 'link-inside'));
    symlinkSync(join(made.dir, 'outside'), join(files, 'link-outside'));
    symlinkSync(made.dir, join(files, 'dir-outside'));
    daemon = await start(made.context);
    get = async (path, init) => {
      const response = await fetch(`${daemon.url}${path}`, init);
      return { status: response.status, text: await response.text(), headers: response.headers };
    };
  });
  after(async () => {
    await daemon.close();
    await made.remove();
  });

  const eventually = async <T>(ask: () => Promise<T>, good: (value: T) => boolean): Promise<T> => {
    for (let i = 0; ; i++) {
      const value = await ask();
      if (good(value) || i === 100) return value;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const stageOf = async (mac: string): Promise<StageReport | undefined> => {
    const { machines } = JSON.parse((await get('/stages')).text) as { machines: StageReport[] };
    return machines.find((machine) => machine.mac === mac);
  };

  it('boots a machine, in whatever notation its MAC is', async () => {
    const { status, text, headers } = await get(`/boot/${MAC}/`);
    expect(status).to.equal(200);
    expect(headers.get('content-type')).to.match(/^text\/plain/);
    expect(text).to.match(/^#!ipxe\n/);
    expect(text).to.include(`boot ${daemon.url}/files/vmlinuz?mac=${MAC}&stage=kernel initrd=initrd.img`);
    expect(text).to.include('nfsroot=192.168.1.1:/export/nfsroot_ro,ro');
    for (const path of [
      '/boot/52%3A54%3A00%3A00%3A00%3A01/',
      '/boot/52-54-00-00-00-01',
      '/boot/525400000001/',
    ])
      expect((await get(path)).text, path).to.equal(text);
  });

  it('answers a path that is no URL, or too long, with a script too', async () => {
    for (const path of ['/boot/%ff/', `/boot/${'a'.repeat(300)}/`]) {
      const response = await fetch(`${daemon.url}${path}`);
      expect(response.status).to.equal(200);
      expect(await response.text()).to.match(/^#!ipxe\n/);
    }
  });

  it('follows MDB', async () => {
    await updateMachine(store, made.site.config, 'test', 'pas-r01p01', {
      is_faulty: true,
      is_faulty_details: 'no ${keyboard}\nshell',
    });
    const { text } = await eventually(
      () => get(`/boot/${MAC}/`),
      (answer) => answer.text.includes('faulty'),
    );
    expect(text).to.include('echo ... no $(keyboard) shell');
    expect((await stageOf(MAC))!.note).to.include('faulty');
    await updateMachine(store, made.site.config, 'test', 'pas-r01p01', { is_faulty: false });
    await eventually(
      () => get(`/boot/${MAC}/`),
      (answer) => !answer.text.includes('faulty'),
    );
  });

  it('hands out a boot for once to one request, not to HEAD', async () => {
    const normal = (await get(`/boot/${MAC}/`, { method: 'HEAD' })).headers.get('content-length');
    await setBootOnce(store, 'test', ['pas-r01p01'], 'memtest');
    await eventually(
      () => get(`/boot/${MAC}/`, { method: 'HEAD' }),
      (answer) => answer.headers.get('content-length') !== normal,
    );
    await get(`/boot/${MAC}/`, { method: 'HEAD' });
    const texts = (await Promise.all([1, 2, 3, 4].map(() => get(`/boot/${MAC}/`)))).map(({ text }) => text);
    expect(texts.filter((text) => text.includes('memtest.bin'))).to.have.length(1);
    expect(texts.filter((text) => text.includes('nfsroot'))).to.have.length(3);
    expect(await store.knex('machines').whereNotNull('boot_once')).to.deep.equal([]);
  });

  for (const path of [
    '/boot/52:54:00:00:00:99/',
    '/boot/${mac}/',
    '/boot/%0Areboot%0A/',
    '/register',
    '/register?hostname=a&hostname=b',
    '/bootstrap',
  ])
    it(`answers ${path} with a script and status 200`, async () => {
      const { status, text } = await get(path);
      expect(status).to.equal(200);
      expect(text).to.match(/^#!ipxe\n/);
    });

  it('a machine that asks from the menu whether it is known goes back to it, or boots', async () => {
    expect((await get('/boot/52:54:00:00:00:99/?menu=1')).text).to.equal('#!ipxe\nexit\n');
    expect((await get(`/boot/${MAC}/?menu=1`)).text).to.include('nfsroot');
  });

  it('tells the menu of the switches', async () => {
    const { text } = await get('/bootstrap');
    expect(text).to.include(
      'set sw_name_0 02:99:71:f6:c6:5a\nset sw_rfs_0 0\nset sw_hfs_0 0\nset sw_room_0 pasteur\n',
    );
    expect(text).to.include('Registration is off');
  });

  describe('register', () => {
    const ask = (fields: Record<string, string> = {}) =>
      get(
        `/register?${new URLSearchParams({ hostname: 'pas-r01p02', mac: '52:54:00:00:00:02', rfs: '0', hfs: '0', room: 'pasteur', mtype: 'user', ...fields })}`,
      );

    it('is refused by default', async () => {
      expect((await ask()).text)
        .to.include('# refused: netboot')
        .and.include('self registration is disabled');
    });

    it('registers, and the machine boots', async () => {
      await setSetting(store, 'test', 'allow_self_registration', 'true');
      expect((await ask()).text)
        .to.match(/^# registered: pas-r01p02$/m)
        .and.match(/^reboot$/m);
      await eventually(
        () => get('/boot/52:54:00:00:00:02/'),
        (answer) => answer.text.includes('nfsroot'),
      );
    });

    it('says what is wrong on one line, and goes back to the menu if asked there', async () => {
      const { text } = await ask({ hostname: 'x\nshell ${y}', menu: '1' });
      expect(text)
        .to.include('is not a DNS name')
        .and.match(/^exit$/m);
      expect(text)
        .to.not.match(/^shell/m)
        .and.not.include('${');
      expect((await ask({ rfs: '-1' })).text).to.include('rfs NaN is not a server');
    });

    it('is limited in rate', async () => {
      for (let i = 0; i < 3; i++) await ask({ hostname: 'pas-r01p02' });
      expect((await ask({ hostname: 'pas-r01p03', mac: '52:54:00:00:00:03' })).text).to.include(
        'too many from 127.0.0.1',
      );
    });
  });

  describe('files', () => {
    it('serves them, with ranges', async () => {
      expect((await get('/files/vmlinuz')).text).to.equal('0123456789');
      const part = await get('/files/vmlinuz', { headers: { range: 'bytes=2-4' } });
      expect([part.status, part.text, part.headers.get('content-range')]).to.deep.equal([
        206,
        '234',
        'bytes 2-4/10',
      ]);
      expect((await get('/files/link-inside')).text).to.equal('0123456789');
    });

    for (const path of [
      'link-outside',
      'dir-outside/outside',
      'dir-outside/secrets.yml',
      '%2e%2e/%2e%2e/prolo.yml',
      '..%2f..%2fprolo.yml',
      'arch/../../../prolo.yml',
      '',
      'arch/',
      'arch',
      '.hidden',
      'nowhere',
      'a%00b',
    ])
      it(`does not serve ${JSON.stringify(path)}`, async () => {
        // Raw, since fetch would tidy the path up.
        const answer = await new Promise<string>((resolve, reject) => {
          const { hostname, port } = new URL(daemon.url!);
          let text = '';
          connect(Number(port), hostname)
            .on('error', reject)
            .on('data', (part) => (text += part.toString()))
            .on('close', () => resolve(text))
            .write(`GET /files/${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
        });
        expect(answer).to.match(/^HTTP\/1\.1 (40[034])/);
        expect(answer).to.not.match(/TOP SECRET|portBase|subscribe/);
      });
  });

  it('sees how far a machine is', async () => {
    const leases = dhcpPaths(made.site).leases;
    mkdirSync(dirname(leases), { recursive: true });
    const mac = '52:54:00:00:00:77';
    await addMachine(store, made.site.config, 'test', { hostname: 'pas-r01p07', mac });
    const now = Math.floor(Date.now() / 1000);
    writeFileSync(
      leases,
      'address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context\n',
    );
    await new Promise((resolve) => setTimeout(resolve, 600));
    appendFileSync(leases, `192.168.0.77,${mac},,600,${now + 600},1,0,0,,0,\n`);
    const at = async (stage: string): Promise<StageReport | undefined> =>
      eventually(
        () => stageOf(mac),
        (report) => report?.stage === stage,
      );

    const address = (await at('address'))!;
    expect([address.hostname, address.ip, address.stuck]).to.deep.equal([
      'pas-r01p07',
      '192.168.0.77',
      false,
    ]);

    const heard: string[] = [];
    const ended = new AbortController();
    const following = (async () => {
      for await (const report of followStages(daemon.url!, ended.signal, () => undefined))
        if (report.mac === mac) heard.push(report.stage);
    })();
    await eventually(
      async () => heard,
      (stages) => stages.length > 0,
    );
    await get(`/boot/${mac}/`);
    await get(`/files/initrd.img?mac=${mac}&stage=initramfs`);
    await get(`/files/vmlinuz?mac=${mac}&stage=kernel`);
    expect((await get(`/up/${mac}`, { method: 'POST', body: 'x=1' })).text).to.equal('ok\n');
    await eventually(
      async () => heard,
      (stages) => stages.includes('up'),
    );
    ended.abort();
    await following;
    expect(heard).to.deep.equal(['address', 'script', 'initramfs', 'kernel', 'up']);
  });

  it('only machines of MDB are up', async () => {
    expect((await get('/up/52:54:00:00:00:98')).status).to.equal(404);
  });

  it('keeps the stages over a restart, and ends with followers connected', async () => {
    const stuck = fetch(`${daemon.url}/stages?follow=1`)
      .then((response) => response.text())
      .catch(() => 'cut');
    await get('/boot/52:54:00:00:00:55/');
    const startedMs = Date.now();
    await daemon.close();
    expect(Date.now() - startedMs).to.be.below(2000);
    await stuck;
    daemon = await start(made.context);
    expect((await stageOf('52:54:00:00:00:55'))!.stage).to.equal('script');
  });
});
