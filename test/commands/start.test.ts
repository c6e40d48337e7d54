import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFile, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { prolo, proloBin } from '../support/cli.ts';
import { needs } from '../support/needs.ts';
import { createDatabase, postgresPackages } from '../support/postgres.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

const root = join(import.meta.dirname, '../..');
const files = (): string[] =>
  readdirSync(join(root, 'dist'), { recursive: true })
    .map((file) => join(root, 'dist', String(file)))
    .filter((file) => file.endsWith('.cjs'));

describe('the start of prolo', () => {
  it('finds code beside every file of dist that this V8 takes', async () => {
    // In a process of its own, as prolo is: V8 takes no cache in one whose flags a test has changed, and a second look at
    // a file finds it compiled in memory, whatever its cache is worth.
    const look = `
      import { readFileSync } from 'node:fs';
      import { compile } from ${JSON.stringify(pathToFileURL(join(root, 'bin/load.js')))};
      const files = JSON.parse(readFileSync(0, 'utf8'));
      const takes = (file) => compile(file, readFileSync(file + '.cache')).cachedDataRejected === false;
      console.log(JSON.stringify(files.filter((file) => !takes(file))));`;
    const running = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', look]);
    running.child.stdin!.end(JSON.stringify(files()));
    const refused: unknown = JSON.parse((await running).stdout);
    expect(files().length).to.be.greaterThan(20);
    expect(refused).to.deep.equal([]);
  });

  it('has only ASCII in dist, which is read as Latin-1', () => {
    expect(files().filter((file) => readFileSync(file).some((byte) => byte > 127))).to.deep.equal([]);
  });

  for (const [title, spoil] of [
    ['none', (cache: string) => rmSync(cache)],
    ['of another V8', (cache: string) => writeFileSync(cache, 'no code of this V8')],
  ] as const)
    it(`works as well with a code cache that is ${title}`, async () => {
      const dir = mkdtempSync(join(tmpdir(), 'prolo-start-'));
      try {
        for (const name of ['bin', 'dist', 'package.json', 'oclif.manifest.json'])
          cpSync(join(root, name), join(dir, name), { recursive: true });
        symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
        for (const file of readdirSync(join(dir, 'dist'), { recursive: true }).map(String))
          if (file.endsWith('.cache')) spoil(join(dir, 'dist', file));
        const { stdout } = await promisify(execFile)(process.execPath, [
          join(dir, 'bin/run.js'),
          '--version',
        ]);
        expect(stdout).to.match(/^prolo\/\d/);
      } finally {
        rmSync(dir, { recursive: true });
      }
    });

  it('has the help and the completion of oclif in its own bundle', async () => {
    const help = await prolo(['help', 'mdb', 'list']);
    expect(help.status, help.stderr).to.equal(0);
    expect(help.stdout).to.include('prolo mdb list [MACHINES...]');
    const script = await prolo(['autocomplete', 'script', 'bash']);
    expect(script.status, script.stderr).to.equal(0);
    expect(script.stdout).to.include('PROLO_AC_BASH_SETUP_PATH=');
  });

  it('says what is wrong with a command line, with status 2', async () => {
    const wrong = [['nosuch'], ['mdb', 'show'], ['mdb', 'list', '--nope']];
    const results = await Promise.all(wrong.map((args) => prolo(args)));
    expect(results.map(({ status }) => status)).to.deep.equal([2, 2, 2]);
    expect(results.map(({ stderr }) => /nosuch|machine|--nope/.exec(stderr)?.[0])).to.deep.equal([
      'nosuch',
      'machine',
      '--nope',
    ]);
  });
});

describe('standard input of prolo', () => {
  let test: TestSite;
  before(async () => {
    test = await makeTestSite();
  });
  after(() => test.remove());

  it("is left to the loop that prolo runs in, and is no argument's", async () => {
    const loop = `while read -r line; do "${process.execPath}" "${proloBin}" mdb list >/dev/null; echo "$line"; done`;
    const env = { ...process.env, PROLO_CONFIG: test.site.file };
    const running = promisify(execFile)('sh', ['-c', loop], { env });
    running.child.stdin!.end('one\ntwo\n');
    expect((await running).stdout).to.equal('one\ntwo\n');
    const show = await prolo(['mdb', 'show'], { config: test.site.file, input: 'pas-r01p01\n' });
    expect(show.status).to.equal(2);
  });
});

describe('prolo on PostgreSQL', () => {
  it('has its driver in reach of the bundle: add, list, and a daemon that hears of changes', async function () {
    needs(this, postgresPackages);
    const database = await createDatabase();
    const test = await makeTestSite({ database: database.url });
    const config = test.site.file;
    const daemon = spawn(process.execPath, [proloBin, 'daemon', 'mdbsync', '--config', config]);
    try {
      await new Promise<void>((resolve) =>
        daemon.stdout.on('data', (part: Buffer) => part.toString().includes('ready') && resolve()),
      );
      const add = [
        'mdb',
        'add',
        '--hostname',
        'pas-r01p01',
        '--mac',
        '52:54:00:00:00:01',
        '--room',
        'pasteur',
      ];
      expect(await prolo(add, { config })).to.include({ status: 0 });
      expect((await prolo(['mdb', 'list', '--fold'], { config })).stdout).to.equal('pas-r01p01\n');
      const tail = await prolo(['feed', 'tail', 'mdb', '--once'], { config });
      expect(tail.stdout).to.include('pas-r01p01');
    } finally {
      daemon.kill('SIGKILL');
      await test.remove();
      await database.drop();
    }
  });
});
