import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import type { ProloError } from '../../../src/lib/errors.ts';
import { run, runOk } from '../../../src/lib/exec.ts';
import {
  checkImage,
  checkSpace,
  createImage,
  imageName,
  listImages,
  parseImageName,
  usedBytes,
} from '../../../src/lib/hfs/image.ts';
import { LOGIN_PATTERN } from '../../../src/lib/udb/login.ts';
import { needs } from '../../support/needs.ts';
import { rejection } from '../../support/rejection.ts';

const MiB = 1024 ** 2;

describe('the name of an image', () => {
  it('is read back as it was made', () => {
    const logins = fc.stringMatching(new RegExp(`^${LOGIN_PATTERN}$`));
    fc.assert(
      fc.property(logins, fc.integer({ min: 1, max: 2 ** 31 - 1 }), (login, epoch) => {
        expect(parseImageName(imageName({ login, epoch }))).to.deep.equal({ login, epoch });
      }),
    );
  });

  for (const name of ['alice.img', 'alice.0.img', '.new-1', 'alice.1.damaged', 'alice.1.ended', '../a.1.img'])
    it(`is none of a home's: ${name}`, () => expect(parseImageName(name)).to.equal(undefined));
});

describe('a new home', function () {
  let dir: string;
  before(function () {
    needs(this, { mke2fs: 'e2fsprogs', e2fsck: 'e2fsprogs', debugfs: 'e2fsprogs' });
  });
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'prolo-image-'))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const home = () => ({
    file: join(dir, 'alice.1.img'),
    sizeBytes: 64 * MiB,
    uid: 10007,
    gid: 10000,
    skeleton: join(dir, 'skeleton'),
  });

  it('leaves out what is neither file, folder nor link, and gives nobody another’s rights', async () => {
    mkdirSync(join(dir, 'skeleton'));
    writeFileSync(join(dir, 'skeleton/program'), '#!/bin/sh', { mode: 0o755 });
    await runOk(['chmod', '4755', join(dir, 'skeleton/program')]);
    await runOk(['mkfifo', join(dir, 'skeleton/fifo')]);
    await runOk(['mknod', join(dir, 'skeleton/zero'), 'c', '1', '5']);
    const socket = createServer().listen(join(dir, 'skeleton/socket'));
    await new Promise((resolve) => socket.once('listening', resolve));
    try {
      await createImage(home());
    } finally {
      socket.close();
    }
    const { stdout } = await runOk(['debugfs', '-R', 'ls -p /', home().file]);
    expect(stdout).to.match(/\/100755\/10007\/10000\/program\//);
    expect(stdout).not.to.match(/fifo|zero|socket/);
  });

  it('holds the skeleton, all of it its owner’s, and is sound', async () => {
    mkdirSync(join(dir, 'skeleton/.config'), { recursive: true });
    writeFileSync(join(dir, 'skeleton/.config/run'), 'hello', { mode: 0o750 });
    symlinkSync('.config/run', join(dir, 'skeleton/link'));
    await createImage(home());
    const { file } = home();
    expect((await run(['e2fsck', '-fn', file])).exitCode).to.equal(0);
    for (const path of ['/', '/.config', '/.config/run', '/link']) {
      const { stdout } = await runOk(['debugfs', '-R', `stat ${path}`, file]);
      expect(stdout, path).to.match(/User: +10007 +Group: +10000/);
    }
    expect((await runOk(['debugfs', '-R', 'stat /.config/run', file])).stdout).to.match(/Mode: +0750/);
    expect((await runOk(['debugfs', '-R', 'cat /.config/run', file])).stdout).to.equal('hello');
    expect((await runOk(['debugfs', '-R', 'stat /link', file])).stdout).to.contain('.config/run');
    expect(usedBytes(file)).to.be.below(16 * MiB);
    expect(listImages(dir)).to.deep.equal([{ login: 'alice', epoch: 1 }]);
  });

  it('is not made without a skeleton, and leaves nothing behind', async () => {
    const error = await rejection(createImage(home()));
    expect(error.message).to.match(/^skeleton .*\/skeleton: no such folder on this server$/);
    expect(listImages(dir)).to.deep.equal([]);
  });

  it('is refused on a disk without space, with what is needed and what is there', async () => {
    const error = (await rejection(checkSpace(dir, 1e15, 'the home of alice'))) as ProloError;
    expect(error.kind).to.equal('full');
    expect(error.message).to.match(/^the home of alice: 953674317 MiB are needed in .*, \d+ MiB are free$/);
  });

  it('that e2fsck cannot mend is kept aside', async () => {
    mkdirSync(join(dir, 'skeleton'));
    await createImage(home());
    const { file } = home();
    await checkImage(file);
    await runOk(['dd', 'if=/dev/zero', `of=${file}`, 'bs=1M', 'count=8', 'conv=notrunc', 'status=none']);
    const error = (await rejection(checkImage(file))) as ProloError;
    expect(error.kind).to.equal('refused');
    expect(listImages(dir)).to.deep.equal([]);
    expect((await run(['ls', dir])).stdout).to.contain('alice.1.damaged');
  });
});
