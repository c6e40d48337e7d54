import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { start } from '../../../src/daemons/netboot.ts';
import { addMachine } from '../../../src/lib/mdb/machines.ts';
import { listSwitches } from '../../../src/lib/mdb/switches.ts';
import type { StageReport } from '../../../src/lib/netboot/stages.ts';
import { prolo, proloBin } from '../../support/cli.ts';
import { makeTestSite, type TestSite } from '../../support/site.ts';

const MAC = '52:54:00:00:00:01';

describe('prolo netboot', function () {
  this.timeout(60_000);
  let made: TestSite;
  const run = (args: string[], input?: string) =>
    prolo(args, { config: made.site.file, ...(input === undefined ? {} : { input }) });

  before(async () => {
    made = await makeTestSite();
    const store = await made.store();
    const add = (input: Parameters<typeof addMachine>[3]) =>
      addMachine(store, made.site.config, 'test', input);
    await add({
      hostname: 'rhfs01',
      mac: '52:54:00:00:01:01',
      mtype: 'service',
      aliases: ['rfs0', 'rfs1'],
      room: 'alt',
    });
    await add({ hostname: 'pas-r01p01', mac: MAC });
    await add({ hostname: 'pas-r01p02', mac: '52:54:00:00:00:02' });
  });
  after(() => made.remove());

  it('script prints what a machine would get, before any daemon runs', async () => {
    const { status, stdout } = await run(['netboot', 'script', '52-54-00-00-00-01']);
    expect(status).to.equal(0);
    expect(stdout)
      .to.match(/^#!ipxe\n/)
      .and.include('nfsroot=192.168.1.1:/export/nfsroot_ro,ro');
    expect((await run(['netboot', 'script', 'pas-r01p01'])).stdout).to.equal(stdout);
    expect((await run(['netboot', 'script', '52:54:00:00:00:99'])).stdout).to.include('is not in MDB');
    expect((await run(['netboot', 'script', 'nobody'])).status).to.equal(4);
  });

  it('once is shown by script, which does not take it, and is cleared', async () => {
    const set = await run(['netboot', 'once', 'pas-r01p[01-02]', 'memtest', '--json']);
    expect(JSON.parse(set.stdout)).to.deep.equal([
      { hostname: 'pas-r01p01', boot_once: 'memtest' },
      { hostname: 'pas-r01p02', boot_once: 'memtest' },
    ]);
    for (let i = 0; i < 2; i++)
      expect((await run(['netboot', 'script', MAC])).stdout).to.include('memtest.bin');
    await run(['netboot', 'once', '@mtype:user', '--clear']);
    expect((await run(['netboot', 'script', MAC])).stdout).to.include('nfsroot');
  });

  it('once refuses a profile that is none', async () => {
    const { status, stderr } = await run(['netboot', 'once', 'pas-r01p01', 'windows']);
    expect(status).to.equal(2);
    expect(stderr).to.include('"windows" is none of rfs, disk');
  });

  it('watch shows the stages, once or as they come', async () => {
    const daemon = await start(made.context);
    try {
      await fetch(`${daemon.url}/boot/${MAC}/`);
      const shown = await run(['netboot', 'watch', '--once']);
      expect(shown.stdout)
        .to.match(/^1 machine: 1 script; 0 stuck\n/)
        .and.match(/pas-r01p01 .* script /);

      const child = spawn(process.execPath, [
        proloBin,
        'netboot',
        'watch',
        '--json',
        '--config',
        made.site.file,
      ]);
      const lines: string[] = [];
      let rest = '';
      child.stdout.on('data', (part: Buffer) => {
        const parts = (rest + part.toString()).split('\n');
        rest = parts.pop()!;
        lines.push(...parts);
      });
      const until = async (count: number): Promise<void> => {
        for (let i = 0; i < 500 && lines.length < count; i++)
          await new Promise((resolve) => setTimeout(resolve, 20));
      };
      await until(1);
      await fetch(`${daemon.url}/up/${MAC}`);
      await until(2);
      child.kill('SIGTERM');
      const [status] = (await once(child, 'exit')) as [number];
      expect(status).to.equal(0);
      const reports = lines.map((line) => JSON.parse(line) as StageReport);
      expect(reports.map(({ hostname, stage }) => [hostname, stage])).to.deep.equal([
        ['pas-r01p01', 'script'],
        ['pas-r01p01', 'up'],
      ]);
    } finally {
      await daemon.close();
    }
  });

  it('watch without a daemon says so', async () => {
    const { status, stderr } = await run(['netboot', 'watch', '--once']);
    expect(status).to.equal(8);
    expect(stderr).to.include('is the netboot daemon running');
  });

  it('mdb switch learn takes what a file server heard', async () => {
    const table = [
      'LINK    CHASSIS ID         SYSTEM NAME   CAPS        PORT ID           PORT DESCRIPTION',
      'rhfs0   68:b5:99:9f:45:40  sw-kb-past-2  ..b........ 12                12',
      'rhfs1   c0:91:34:c3:02:00  sw-kb-pas-3   ..b........ 22                22',
      'rhfs1   52:54:00:00:01:01  rhfs01        ..b........ 1                 1',
    ].join('\n');
    const two = await run(['mdb', 'switch', 'learn', '--rfs', '0'], table);
    expect(two.status).to.equal(5);
    expect(two.stderr).to.include('--interface');
    mkdirSync(join(made.dir, 'lldp'));
    const file = join(made.dir, 'lldp/rhfs01.txt');
    writeFileSync(file, table);
    const one = await run(['mdb', 'switch', 'learn', '--rfs', '1', '--interface', 'rhfs1', file]);
    expect(one.stderr).to.include('is the machine rhfs01');
    expect(one.stdout).to.equal('sw-kb-pas-3  c0:91:34:c3:02:00  rfs 1  hfs 1  alt\n');
    const { knex } = await made.store();
    expect(await listSwitches(knex)).to.deep.equal([
      { name: 'sw-kb-pas-3', chassis: 'c0:91:34:c3:02:00', rfs: 1, hfs: 1, room: 'alt' },
    ]);
  });
});
