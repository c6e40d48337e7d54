import { spawn, type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { asProloError } from '../../../../src/lib/errors.ts';
import { findTreeUse, mountPoints, type ProcessFacts } from '../../../../src/lib/rfs/staging-users.ts';
import { mustHaveStaging, stagingOf, withStaging } from '../../../../src/lib/rfs/staging.ts';
import { rejection } from '../../../support/rejection.ts';
import { makeTestSite, type TestSite } from '../../../support/site.ts';

describe('who uses a tree', () => {
  const other: ProcessFacts = { pid: 7, ppid: 1, name: 'bash', root: '/', cwd: '/', rootIsTree: false };
  const us: ProcessFacts = { ...other, pid: 20, ppid: 19, name: 'node' };
  const use = (processes: ProcessFacts[], mounts: string[] = []) =>
    findTreeUse('/srv/staging', { processes: [us, ...processes], mounts }, 20)?.what;

  it('nobody', () => {
    expect(
      use([{ ...other, cwd: '/srv/staging2' }], ['/', '/srv', '/srv/staging', '/srv/staging2']),
    ).to.equal(undefined);
  });
  it('a process that is in it', () => {
    expect(use([{ ...other, cwd: '/srv/staging/etc' }])).to.equal(
      'process 7 (bash) works in /srv/staging/etc',
    );
  });
  it('not the shell that called us, which may be there', () => {
    expect(
      use([
        { ...other, pid: 19, ppid: 18, cwd: '/srv/staging' },
        { ...other, pid: 18, cwd: '/srv/staging' },
      ]),
    ).to.equal(undefined);
  });
  it('a process whose root it is, also where it is called otherwise', () => {
    const says = 'process 7 (bash) has it as its root';
    expect(use([{ ...other, root: '/srv/staging' }])).to.equal(says);
    expect(use([{ ...other, rootIsTree: true }])).to.equal(says);
  });
  it('one that may not be seen is not taken for a user of it', () => {
    expect(use([{ ...other, root: undefined, cwd: undefined }])).to.equal(undefined);
  });
  it('what is mounted below it, the innermost first', () => {
    expect(use([], ['/srv/staging/dev', '/srv/staging/dev/pts'])).to.equal(
      'something is mounted on /srv/staging/dev/pts',
    );
  });
  it('a mount point is read with its spaces', () => {
    const line = '98 29 0:5 / /srv/my\\040staging/proc rw - proc proc rw';
    expect(mountPoints(`${line}\n`)).to.deep.equal(['/srv/my staging/proc']);
  });
});

describe('staging, while somebody is in it', function () {
  this.timeout(30_000);
  let test: TestSite;
  let tree: string;
  const started: ChildProcess[] = [];
  const start = async (program: string, args: string[], cwd = '/'): Promise<ChildProcess> => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
    started.push(child);
    await once(child.stdout!, 'data');
    return child;
  };
  const end = async (child: ChildProcess): Promise<void> => {
    const over = once(child, 'exit');
    child.kill('SIGKILL');
    await over;
  };
  beforeEach(async () => {
    test = await makeTestSite({ rfs: { staging: 'staging' } });
    tree = stagingOf(test.site);
    mkdirSync(join(tree, 'etc'), { recursive: true });
  });
  afterEach(async () => {
    for (const child of started.splice(0))
      if (child.exitCode === null && child.signalCode === null) await end(child);
    await test.remove();
  });
  const use = () => withStaging(test.site, 'root@gw: rfs commit', () => Promise.resolve('mine'));

  it('a process with its folder in it keeps others out until it is gone', async () => {
    const child = await start('sh', ['-c', 'echo; exec sleep 60'], join(tree, 'etc'));
    const error = await rejection(use());
    expect(asProloError(error).kind).to.equal('conflict');
    expect(error.message).to.contain(`process ${child.pid} (sleep) works in ${realpathSync(tree)}/etc`);
    await end(child);
    expect(await use()).to.equal('mine');
  });

  it('a forgotten chroot is found', async function () {
    if (process.getuid?.() !== 0) this.skip();
    mkdirSync(join(tree, 'bin'));
    const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim();
    execFileSync('cp', [busybox, join(tree, 'bin/busybox')]);
    const child = await start('chroot', [
      tree,
      '/bin/busybox',
      'sh',
      '-c',
      'echo; exec /bin/busybox sleep 60',
    ]);
    const error = await rejection(use());
    expect(error.message).to.contain(`process ${child.pid} (busybox) has it as its root`);
    expect(asProloError(error).hint).to.contain(`kill ${child.pid}`);
  });

  it('a holder that is killed holds it no more', async () => {
    const child = await start(
      process.execPath,
      [
        '--import=tsx',
        '--input-type=module',
        '-e',
        `import { loadSite } from './src/lib/site/site.ts';
       import { withStaging } from './src/lib/rfs/staging.ts';
       await withStaging(loadSite(${JSON.stringify(test.site.file)}), 'jane@gw: rfs shell', () => {
         console.log('held');
         return new Promise((done) => setTimeout(done, 600_000)); // held by its timer, or it is garbage, and the lock with it
       });`,
      ],
      process.cwd(),
    );
    const error = await rejection(use());
    expect(error.message).to.contain(`in use (jane@gw: rfs shell, process ${child.pid})`);
    await end(child);
    expect(await use()).to.equal('mine');
  });

  it('is what it was, when an init ended between putting it aside and putting another in its place', async () => {
    writeFileSync(join(tree, 'etc/motd'), 'the old one\n');
    renameSync(tree, `${tree}.old`);
    mustHaveStaging(test.site); // a shell and an installation ask that first
    await use();
    expect(existsSync(join(tree, 'etc/motd'))).to.equal(true);
  });
});
