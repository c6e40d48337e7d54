import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { installServing } from '../../../src/lib/rfs/install-serving.ts';
import { bootAddress, renderServing } from '../../../src/lib/rfs/serve.ts';
import { needs } from '../../support/needs.ts';
import { rejection } from '../../support/rejection.ts';
import { freePortBase, makeTestSite, type TestSite } from '../../support/site.ts';

const networks = [
  { name: 'lan', cidr: '127.0.1.0/24', role: 'machines', gateway: '127.0.1.254' },
  { name: 'cluster', cidr: '127.0.2.0/24', role: 'machines', gateway: '127.0.2.254', dhcp: false },
  {
    name: 'alien',
    cidr: '127.0.250.0/24',
    role: 'alien',
    gateway: '127.0.250.254',
    range: '127.0.250.1-127.0.250.9',
  },
];
const pools = { user: '127.0.1.1-127.0.1.200', service: '127.0.1.201-127.0.1.250', cluster: 'service' };

describe('what root file servers are told', function () {
  this.timeout(30_000);
  let test: TestSite;
  let root: string;
  let dir: string;
  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'prolo-serve-'));
    chmodSync(root, 0o755);
    dir = join(root, 'versions');
    mkdirSync(join(dir, '3'), { recursive: true });
    for (const name of ['vmlinuz', 'initrd.img', 'root.img', 'version.json'])
      writeFileSync(join(dir, '3', name), `${name} of 3`);
    test = await makeTestSite({ networks, pools, rfs: { dir } });
  });
  after(async () => {
    await test?.remove();
    if (root) rmSync(root, { recursive: true, force: true });
  });

  it('is read-only, and for machines alone', () => {
    const options = '(ro,all_squash,no_subtree_check,sec=sys)';
    expect(renderServing(test.site, 'nfs').split('\n')).to.include(
      `${dir} 127.0.1.0/24${options} 127.0.2.0/24${options}`,
    );
    const ganesha = renderServing(test.site, 'ganesha', { address: '127.0.1.7', stateDir: '/run/x' });
    expect(ganesha).to.match(/^ {2}Bind_addr = 127\.0\.1\.7;$/m);
    expect(ganesha).to.match(/^ {2}RecoveryRoot = \/run\/x;$/m);
    expect(ganesha).to.match(/CLIENT \{\s+Clients = 127\.0\.1\.0\/24, 127\.0\.2\.0\/24;\s+Access_Type = RO;/);
    expect(ganesha).to.match(/EXPORT_DEFAULTS \{\s+Access_Type = None;/);
    for (const kind of ['nfs', 'ganesha', 'nginx'] as const)
      expect(renderServing(test.site, kind)).not.to.contain('127.0.250');
  });

  it('needs a path that a kernel can be told, and a URL of HTTP', async () => {
    const odd = await makeTestSite({ networks, pools, rfs: { dir: '/srv/a b' } });
    expect(() => renderServing(odd.site, 'nfs')).to.throw('rfs.dir /srv/a b: only letters');
    await odd.remove();
    const at = (bootUrl: string) =>
      bootAddress({ ...test.site.config, netboot: { ...test.site.config.netboot, bootUrl } });
    expect(at('http://rfs{rfs}/boot')).to.deep.equal({ names: '~^rfs\\d+', port: 80, path: '/boot' });
    expect(at('http://10.0.0.1:8080/')).to.deep.equal({ names: '10.0.0.1', port: 8080, path: '' });
    expect(() => at('https://rfs{rfs}/boot')).to.throw('netboot.bootUrl https://');
    expect(() => at('http://rfs{rfs}/b{rfs}')).to.throw('netboot.bootUrl http://');
  });

  describe('nginx', () => {
    let nginx: ChildProcess | undefined;
    let port: number;
    before(async function () {
      needs(this, { nginx: 'nginx-light' });
      port = await freePortBase();
      const file = join(root, 'sites', 'rfs');
      await installServing('nginx', file, renderServing(test.site, 'nginx', { port }));
      const conf = join(root, 'nginx.conf');
      writeFileSync(
        conf,
        `daemon off;\npid ${root}/pid;\nevents {}\nhttp {\n  client_body_temp_path ${root}/body;\n  include ${file};\n}\n`,
      );
      nginx = spawn('nginx', ['-e', 'stderr', '-p', root, '-c', conf], { stdio: 'ignore' });
      for (let tries = 0; !existsSync(join(root, 'pid')) && tries < 500; tries++) await sleep(10);
    });
    after(async () => {
      if (!nginx || nginx.exitCode !== null) return;
      const gone = new Promise((resolve) => nginx!.once('exit', resolve));
      nginx.kill('SIGTERM');
      await gone;
    });

    function ask(
      path: string,
      from = '127.0.1.5',
      method = 'GET',
    ): Promise<{ status: number; text: string }> {
      return new Promise((resolve, reject) => {
        request(
          { host: '127.0.1.254', port, path, method, localAddress: from, headers: { host: 'rfs1' } },
          (response) => {
            let text = '';
            response
              .setEncoding('utf8')
              .on('data', (part: string) => (text += part))
              .on('end', () => resolve({ status: response.statusCode!, text }));
          },
        )
          .on('error', reject)
          .end();
      });
    }

    it('gives kernel and initramfs, and nothing else', async () => {
      expect(await ask('/boot/3/vmlinuz')).to.deep.equal({ status: 200, text: 'vmlinuz of 3' });
      expect(await ask('/boot/3/initrd.img', '127.0.2.9')).to.include({ status: 200 });
      const not = [
        '/boot/4/vmlinuz',
        '/boot/3/root.img',
        '/boot/',
        '/3/vmlinuz',
        '/boot/3/../../x',
        '/boot/.new-3/vmlinuz',
      ];
      for (const path of not) expect((await ask(path)).status, path).to.be.oneOf([400, 404]);
      expect((await ask('/boot/3/vmlinuz', '127.0.1.5', 'PUT')).status).to.be.oneOf([403, 405]);
    });
    it('answers machines alone', async () => {
      for (const from of ['127.0.250.3', '127.0.0.1'])
        expect((await ask('/boot/3/vmlinuz', from)).status, from).to.equal(403);
    });
    it('is asked before a file is replaced', async () => {
      const file = join(root, 'sites', 'rfs');
      const before = readFileSync(file, 'utf8');
      const error = await rejection(installServing('nginx', file, `${before}\nserve {}\n`));
      expect(error.message).to.match(/rfs: nginx says: .*unknown directive "serve"/);
      expect(readFileSync(file, 'utf8')).to.equal(before);
      expect(execFileSync('ls', ['-A', join(root, 'sites')], { encoding: 'utf8' })).to.equal('rfs\n');
    });
  });
});
