import { expect } from 'chai';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { prolo } from '../support/cli.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

describe('a locked site', () => {
  let test: TestSite;
  const run = (...args: string[]) => prolo(args, { config: test.site.file });
  before(async () => {
    test = await makeTestSite();
    for (const name of ['m1', 'm2'])
      await run('mdb', 'add', '--hostname', name, '--mac', `02:00:00:00:00:0${name[1]}`);
  });
  after(() => test.remove());

  it('refuses to destroy, and says who locked it, why, and the way out', async () => {
    expect((await run('lock')).stdout).to.equal('not locked\n');
    expect((await run('lock', '--reason', 'the finals')).stdout).to.match(
      /^locked by \S+ since .* UTC: the finals\n$/,
    );
    const refused = await run('mdb', 'rm', 'm1', '--yes');
    expect(refused.status).to.equal(6);
    expect(refused.stderr).to.match(/mdb rm: locked by \S+ \(the finals\)\n.*--override REASON/);
    expect((await run('mdb', 'list')).stdout).to.include('m1');
  });

  it('lets through what only looks, and what only adds', async () => {
    expect((await run('mdb', 'rm', 'm1', '--dry-run')).status).to.equal(0);
    expect((await run('mdb', 'set', 'm1', '--room', 'alt')).status).to.equal(0);
  });

  it('lets through what has a reason, and writes it down', async () => {
    expect((await run('mdb', 'rm', 'm1', '--yes', '--override', ' ')).status).to.equal(6);
    expect((await run('mdb', 'rm', 'm1', '--yes', '--override', 'it burns')).status).to.equal(0);
    expect((await run('site', 'log', '--of', 'audit')).stdout).to.match(/override.*mdb rm: it burns/);
  });

  it('is unlocked', async () => {
    expect((await run('unlock')).stdout).to.equal('no longer locked (the finals)\n');
    expect((await run('unlock')).stdout).to.equal('not locked\n');
    expect((await run('mdb', 'rm', 'm2', '--yes')).status).to.equal(0);
  });

  it('every command that asks before it does is one of those', () => {
    const commands = join(import.meta.dirname, '../../src/commands');
    const asking = readdirSync(commands, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => [file, readFileSync(join(commands, file), 'utf8')] as const)
      .filter(([, text]) => /\byes: Flags\.boolean/.test(text) && !text.includes('DestructiveCommand'))
      .map(([file]) => file)
      .sort();
    expect(asking).to.deep.equal([]);
  });
});
