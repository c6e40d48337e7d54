import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Archive, pack } from '../../../../src/lib/ssh/copy/pack.ts';
import { putCommand } from '../../../../src/lib/ssh/copy/put.ts';
import { destinationOf, sourceOf } from '../../../../src/lib/ssh/copy/words.ts';

describe('what a machine does with an archive', function () {
  this.timeout(60_000);
  let dir: string;
  let archive: Archive | undefined;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'prolo-put-'));
    mkdirSync(join(dir, 'there'));
  });
  afterEach(() => {
    archive?.remove();
    rmSync(dir, { recursive: true, force: true });
  });
  /** As the login shell over there does. */
  const put = (paths: string[], to: string, input: Buffer, who: { uid?: number } = {}) => {
    const sources = paths.map((path) => sourceOf(`${dir}/${path}`));
    const command = putCommand(sources, destinationOf(to, sources), archive!, {
      parents: false,
      owners: false,
    });
    return spawnSync('sh', ['-c', command], { input, encoding: 'utf8', cwd: join(dir, 'there'), ...who });
  };
  const packed = async (...paths: string[]): Promise<Buffer> => {
    archive = await pack(
      paths.map((path) => sourceOf(`${dir}/${path}`)),
      { dereference: false },
    );
    return readFileSync(archive.file);
  };

  it('changes nothing when the archive ends early, wherever that is', async () => {
    for (const name of ['a', 'b']) {
      writeFileSync(join(dir, name), 'new '.repeat(200));
      writeFileSync(join(dir, 'there', name), 'old');
    }
    const bytes = await packed('a', 'b');
    const end = bytes.indexOf(archive!.last);
    for (let length = 0; length <= end; length += 256) {
      const { status, stderr } = put(['a', 'b'], './', bytes.subarray(0, length));
      expect([length, status]).to.not.deep.equal([length, 0]);
      expect(stderr).to.not.equal('');
      expect(readdirSync(join(dir, 'there'))).to.deep.equal(['a', 'b']);
      for (const name of ['a', 'b']) expect(readFileSync(join(dir, 'there', name), 'utf8')).to.equal('old');
    }
    expect(put(['a', 'b'], './', bytes)).to.include({ status: 0, stderr: '' });
    expect(readFileSync(join(dir, 'there/b'), 'utf8')).to.equal('new '.repeat(200));
  });

  it('leaves nothing behind when it is ended', async () => {
    writeFileSync(join(dir, 'a'), 'new');
    const bytes = await packed('a');
    const sources = [sourceOf(join(dir, 'a'))];
    const command = putCommand(sources, destinationOf('a', sources), archive!, {
      parents: false,
      owners: false,
    });
    const hungUp = `(${command}) & sleep 0.2; kill -HUP $!; wait $!; echo $?`;
    const input = `head -c 600; sleep 1`;
    const { stdout } = spawnSync('sh', ['-c', `(${input}) | { ${hungUp}; }`], {
      input: bytes,
      encoding: 'utf8',
      cwd: join(dir, 'there'),
    });
    expect(stdout).to.not.equal('0\n');
    expect(readdirSync(join(dir, 'there'))).to.deep.equal([]);
  });

  it('packs what is in folders of any name', async () => {
    for (const name of ['back\\tslash', '-C', 'a b', 'new\nline']) {
      mkdirSync(join(dir, name));
      writeFileSync(join(dir, name, 'x'), name);
      expect(put([`${name}/x`], 'y', await packed(`${name}/x`))).to.include({ status: 0, stderr: '' });
      expect(readFileSync(join(dir, 'there/y'), 'utf8')).to.equal(name);
      archive?.remove();
    }
  });

  it('does as much for an ordinary login, to whom folders that it may not write to belong', async function () {
    if (process.getuid?.() !== 0) return this.skip();
    const who = { uid: 65534 };
    chmodSync(dir, 0o755);
    chownSync(join(dir, 'there'), who.uid, who.uid);
    mkdirSync(join(dir, 'ro/sub'), { recursive: true });
    writeFileSync(join(dir, 'ro/sub/f'), 'text');
    for (const path of ['ro/sub', 'ro']) chmodSync(join(dir, path), 0o555);
    const one = await packed('ro');
    expect(put(['ro'], './', one, who)).to.include({ status: 0, stderr: '' });
    expect(put(['ro'], 'other', one, who)).to.include({ status: 0, stderr: '' });
    archive?.remove();
    expect(put(['ro/.'], 'third', await packed('ro/.'), who)).to.include({ status: 0, stderr: '' });
    expect(readdirSync(join(dir, 'there'))).to.deep.equal(['other', 'ro', 'third']);
    for (const name of ['other', 'ro', 'third']) {
      expect(readFileSync(join(dir, 'there', name, 'sub/f'), 'utf8')).to.equal('text');
      expect(statSync(join(dir, 'there', name, 'sub/f')).uid).to.equal(who.uid);
      expect(statSync(join(dir, 'there', name)).mode & 0o777).to.equal(0o555);
    }
  });
});
