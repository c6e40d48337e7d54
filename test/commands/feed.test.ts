import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { start } from '../../src/daemons/mdbsync.ts';
import type { RunningDaemon } from '../../src/lib/http/daemon.ts';
import { addMachine, removeMachines, updateMachine } from '../../src/lib/mdb/machines.ts';
import { prolo, proloBin } from '../support/cli.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

describe('prolo feed tail', function () {
  this.timeout(60_000);
  const mac = '52:54:00:00:00:01';
  let test: TestSite;
  let daemon: RunningDaemon | undefined;
  let child: ChildProcess | undefined;
  beforeEach(async () => {
    test = await makeTestSite();
    await addMachine(await test.store(), test.site.config, 'test', {
      hostname: 'pas-r01p01',
      mac,
      room: 'pasteur',
    });
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    await daemon?.close();
    daemon = undefined;
    await test.remove();
  });

  /** Starts it; `until` waits for words in its output or in what it says beside it. */
  const tail = (...args: string[]) => {
    const running = spawn(process.execPath, [proloBin, 'feed', 'tail', ...args, '--config', test.site.file], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = running;
    const output = { out: '', err: '' };
    running.stdout.on('data', (part: Buffer) => (output.out += part.toString()));
    running.stderr.on('data', (part: Buffer) => (output.err += part.toString()));
    return {
      output,
      until: async (words: string) => {
        while (!(output.out + output.err).includes(words)) {
          if (running.exitCode !== null) throw new Error(`ended: ${output.out}${output.err}`);
          await sleep(10);
        }
      },
      interrupt: async () => {
        running.kill('SIGINT');
        const [code] = (await once(running, 'exit')) as [number | null];
        return code;
      },
    };
  };

  it('shows the state, then each change, until it is interrupted', async () => {
    daemon = await start(test.context);
    const store = await test.store();
    const { output, until, interrupt } = tail('mdb');
    await until('created');
    await updateMachine(store, test.site.config, 'test', 'pas-r01p01', { rfs: 1 });
    await until('updated');
    await removeMachines(store, test.site.config, 'test', ['pas-r01p01']);
    await until('deleted');
    expect(output.out.split('\n')).to.deep.equal([
      `created pas-r01p01 192.168.0.1 ${mac} user pasteur`,
      'updated pas-r01p01 rfs 0→1',
      `deleted pas-r01p01 192.168.0.1 ${mac} user pasteur`,
      '',
    ]);
    expect(await interrupt()).to.equal(0);
    expect(output.err).to.equal('');
  });

  it('prints an object a line with --json, and ends after the state with --once', async () => {
    daemon = await start(test.context);
    const { status, stdout } = await prolo(['feed', 'tail', 'mdb', '--json', '--once'], {
      config: test.site.file,
    });
    expect(status).to.equal(0);
    const [line, rest] = stdout.split('\n');
    expect(rest).to.equal('');
    const change = JSON.parse(line!) as { after: object };
    expect(change).to.deep.include({ kind: 'created', key: mac });
    expect(change.after).to.include({ hostname: 'pas-r01p01', ip: '192.168.0.1', is_faulty: false });
  });

  it('waits for a feed that is not there, and says so', async () => {
    const { output, until, interrupt } = tail('presence');
    await until('trying again in');
    expect(output.out).to.equal('');
    expect(output.err).to.include('ECONNREFUSED');
    expect(await interrupt()).to.equal(0);
  });

  it('fails with --once when the feed is not there', async () => {
    const { status, stderr } = await prolo(['feed', 'tail', 'udb', '--once'], { config: test.site.file });
    expect(status).to.equal(8);
    expect(stderr).to.include('ECONNREFUSED');
  });
});
