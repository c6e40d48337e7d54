import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageRoot } from '../../../src/lib/package-root.ts';
import { beginDelivery, type Delivery } from '../../../src/lib/rfs/deliver.ts';
import type { Delta } from '../../../src/lib/rfs/increment.ts';
import { type Manifest, MANIFEST, SIGNATURE, VERSION_FILES } from '../../../src/lib/rfs/manifest.ts';
import { findProgram, needs } from '../../support/needs.ts';
import { manifestOf } from '../../support/rfs.ts';
import { mountXfs } from '../../support/xfs.ts';

const MIB = 1024 ** 2;

describe('a version made on a server out of the one before', function () {
  this.timeout(60_000);
  let root: string;
  let gateway: string;
  let server: string;
  const delta: Delta = {
    base: 1,
    zeroed: [{ start: 5000, end: 9000 }],
    from: 2 * MIB,
    bytes: 2 * MIB + 8192,
  };

  beforeEach(function () {
    needs(this, { perl: 'perl-base', flock: 'util-linux' });
    root = mkdtempSync(join(tmpdir(), 'prolo-deliver-'));
    [gateway, server] = [join(root, 'gateway'), join(root, 'server')];
    const image = randomBytes(2 * MIB + 100_000);
    for (const dir of [gateway, server]) {
      mkdirSync(join(dir, '1'), { recursive: true });
      writeFileSync(join(dir, '1/root.img'), image);
      writeFileSync(join(dir, '1/vmlinuz'), 'the kernel');
    }
    mkdirSync(join(gateway, '2'));
    const next = Buffer.alloc(delta.bytes, 'new');
    image.copy(next, 0, 0, delta.from);
    next.fill(0, 5000, 9000);
    next.fill('superblock', 0, 96);
    for (const [name, data] of [
      ['root.img', next],
      ['root.verity', randomBytes(3 * MIB)],
      ['vmlinuz', 'the kernel'],
      ['initrd.img', 'initrd'],
      [MANIFEST, 'manifest'],
      [SIGNATURE, 'signature'],
    ] as const)
      writeFileSync(join(gateway, '2', name), data);
  });
  afterEach(() => root && rmSync(root, { recursive: true, force: true }));

  /** In place of ssh: a shell that has the server's folder where the script says the gateway's. @param path of its programs */
  function begin(path = process.env.PATH!): Delivery {
    const shell = `PATH='${path}' exec sh -c "$(printf %s "$1" | sed 's#${gateway}#${server}#g')"`;
    const remote = { hostname: 'rhfs01', at: 'rhfs01', ssh: ['sh', '-c', shell] };
    const before = manifestOf(1);
    before.files['root.img'] = { bytes: 2 * MIB + 100_000, sha256: '' };
    return beginDelivery(remote, gateway, 2, before, 3 * MIB);
  }
  const send = (delivery: Delivery): void =>
    delivery.send({ folder: join(gateway, '2'), delta, same: ['vmlinuz'] });
  function signed(): Manifest {
    const manifest = manifestOf(2);
    for (const name of VERSION_FILES) {
      const bytes = readFileSync(join(gateway, '2', name));
      manifest.files[name] = {
        bytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      };
    }
    return manifest;
  }
  async function run(path?: string): Promise<boolean> {
    const delivery = begin(path);
    send(delivery);
    return delivery.finish(signed());
  }

  it('is named once every byte is right', async () => {
    mkdirSync(join(server, '.new-1'));
    expect(await run()).to.equal(true);
    expect(readdirSync(server).sort()).to.deep.equal(['1', '2']);
    for (const name of [...VERSION_FILES, MANIFEST, SIGNATURE])
      expect(
        readFileSync(join(server, '2', name)).equals(readFileSync(join(gateway, '2', name))),
        name,
      ).to.equal(true);
    expect(readdirSync(join(server, '2'))).to.have.lengthOf(6);
  });

  it('takes no room for what is the same, where files can share it', async function () {
    needs(this, { 'mkfs.xfs': 'xfsprogs', filefrag: 'e2fsprogs' });
    if (process.getuid?.() !== 0) this.skip();
    rmSync(server, { recursive: true });
    const versions = mountXfs(server);
    try {
      cpSync(join(gateway, '1'), join(server, '1'), { recursive: true });
      expect(await run()).to.equal(true);
      const said = execFileSync('filefrag', ['-v', join(server, '2/root.img')], { encoding: 'utf8' });
      expect(said).to.contain('shared');
    } finally {
      versions.remove();
    }
  });

  it('is none where a byte of the one before has flipped, or of its kernel, and nothing of it is left', async () => {
    for (const name of ['root.img', 'vmlinuz']) {
      const bytes = readFileSync(join(server, '1', name));
      const flipped = Buffer.from(bytes);
      flipped[Math.min(100_000, bytes.length - 1)]! ^= 1;
      writeFileSync(join(server, '1', name), flipped);
      expect(await run(), name).to.equal(false);
      expect(readdirSync(server), name).to.deep.equal(['1']);
      writeFileSync(join(server, '1', name), bytes);
    }
  });

  it('is none where there is no such version, something in its way, or no perl', async () => {
    writeFileSync(join(server, '.new-2'), '');
    expect(await run()).to.equal(false);
    rmSync(join(server, '.new-2'));
    const bin = join(root, 'bin');
    mkdirSync(bin);
    for (const name of ['sh', 'flock', 'mkdir', 'stat', 'df', 'awk', 'rm', 'cp', 'nice', 'sed'])
      symlinkSync(findProgram(name)!, join(bin, name));
    expect(await run(bin)).to.equal(false);
    writeFileSync(join(server, '1/root.img'), 'short');
    expect(await run()).to.equal(false);
    rmSync(join(server, '1'), { recursive: true });
    expect(await run()).to.equal(false);
    expect(readdirSync(server)).to.deep.equal([]);
  });

  /** Runs receive.pl itself. @returns its exit status once it ends, whether its input does or not */
  async function receive(input: string | Buffer, isEnd: boolean, silence = 60): Promise<number | null> {
    cpSync(join(server, '1'), join(server, '.new-2'), { recursive: true });
    const argv = [join(packageRoot, 'templates/rfs/receive.pl'), '.new-2', '2', '1', String(silence)];
    const child = spawn('perl', argv, { cwd: server, stdio: ['pipe', 'ignore', 'ignore'] });
    try {
      child.stdin.on('error', () => undefined);
      child.stdin.write(input);
      if (isEnd) child.stdin.end();
      const [status] = (await once(child, 'exit')) as [number | null];
      return status;
    } finally {
      child.kill('SIGKILL');
    }
  }

  it('is given up where nothing more is heard of it, in a line, in data, or between two', async () => {
    for (const input of ['', 'wait\n', 'bytes root.img 0 5', 'bytes root.img 0 500\nsome']) {
      expect(await receive(input, false, 1), input).to.equal(1);
      expect(readdirSync(server), input).to.deep.equal(['1']);
    }
  });

  it('is none of what is cut off or garbage, and nothing is left', async () => {
    const hashes = 'a '.repeat(4);
    for (const input of [
      '',
      '\n',
      'size root.img',
      'bytes root.img 0 500\nsome',
      `name ${hashes}\n`,
      'hash nothing\n',
      `hash root.img vmlinuz\nname ${hashes}\n`,
      randomBytes(100_000),
    ]) {
      await receive(input, true);
      expect(readdirSync(server), String(input).slice(0, 50)).to.deep.equal(['1']);
    }
  });

  it('that is not to be any more leaves nothing, whenever that is', async () => {
    for (const isSent of [false, true]) {
      const delivery = begin();
      if (isSent) send(delivery);
      await delivery.cancel();
      // The script holds the folder until it is gone.
      expect(await run()).to.equal(true);
      expect(readdirSync(server).sort()).to.deep.equal(['1', '2']);
      rmSync(join(server, '2'), { recursive: true });
    }
    expect(existsSync(join(server, '.new-2'))).to.equal(false);
  });
});
