import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createLab } from '../../src/lib/lab/lab.ts';
import { parseConfig } from '../../src/lib/site/parse.ts';
import { proloBin } from '../support/cli.ts';
import { eventually, needsLab, STEP_MS } from '../support/lab.ts';

describe('prolo lab boot', function () {
  this.timeout(5 * STEP_MS);
  let folder: string;
  let running: ChildProcess | undefined;
  before(function () {
    needsLab(this);
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'prolo-e2e-'));
  });
  afterEach(async () => {
    if (running?.exitCode === null && running.signalCode === null) {
      running.kill('SIGTERM');
      await once(running, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  });

  function start(...args: string[]): { child: ChildProcess; printed: () => string } {
    const child = (running = spawn(process.execPath, [proloBin, 'lab', 'boot', ...args], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    }));
    let text = '';
    for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (part: Buffer) => (text += part));
    return { child, printed: () => text };
  }
  const namespaces = (pid: number): string[] =>
    execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.startsWith(`prolo-lab-${pid}-`));

  it('shows an unknown PC on its way to init, and leaves nothing behind', async () => {
    const { child, printed } = start();
    const [status] = (await once(child, 'close')) as [number];
    expect(status, printed()).to.equal(0);
    expect(printed()).to.match(
      /is unknown, and shows the menu[^]*is registered as alt-r01p01, 192\.168\.0\.127[^]*boots rfs from rfs0[^]*runs init; kernel arguments: .*nfsroot=192\.168\.1\.1:[^]*has powered off\nalt-r01p01 \(52:54:00:70:63:01\) booted at 192\.168\.0\.127 in [\d.]+ s\n/,
    );
    expect(namespaces(child.pid!)).to.deep.equal([]);
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  for (const signal of ['SIGINT', 'SIGKILL'] as const)
    it(`ended by ${signal}, it takes its servers and PCs with it`, async () => {
      const { child, printed } = start();
      const begun = await eventually(
        async () => printed(),
        (text) => text.includes('is switched on'),
        STEP_MS,
      );
      expect(begun).to.include('is switched on');
      const [netns = ''] = namespaces(child.pid!);
      const inside = execFileSync('ip', ['netns', 'pids', netns.split(' ')[0]!], { encoding: 'utf8' })
        .trim()
        .split('\n');
      expect(inside).to.have.length.at.least(6); // prolo, tftpd, dnsmasq, named, kea, qemu under its time limit
      child.kill(signal);
      await once(child, 'exit');
      const alive = await eventually(
        async () => inside.filter((pid) => existsSync(`/proc/${pid}`)),
        (pids) => pids.length === 0,
      );
      expect(alive).to.deep.equal([]);
      // Nobody can clean up after itself when it is killed: the next lab does.
      if (signal === 'SIGKILL') await (await createLab(parseConfig('', 'prolo.yml'))).stop();
      else expect(readdirSync(folder)).to.deep.equal([]);
      expect(namespaces(child.pid!)).to.deep.equal([]);
    });
});
