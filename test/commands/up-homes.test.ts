import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { proloBin } from '../support/cli.ts';
import { homesPackages, type HomesSite, makeHomesSite } from '../support/homes.ts';
import { connectNbd } from '../support/nbd-client.ts';
import { needs } from '../support/needs.ts';

describe('prolo up and homes', function () {
  this.timeout(60_000);
  let homes: HomesSite;
  let up: ChildProcess | undefined;
  before(async function () {
    needs(this, homesPackages);
    homes = await makeHomesSite({
      users: 1,
      seats: 1,
      sizeBytes: 64 * 1024 ** 2,
      hfs: { up: [0, 1] },
      config: { dns: { checks: 'if-present', reload: [] }, dhcp: { checks: 'if-present' } },
    });
    for (const name of [...homes.daemons.keys()]) await homes.kill(name);
  });
  after(async () => {
    up?.kill('SIGKILL');
    await homes?.close();
  });

  async function start(...flags: string[]): Promise<ChildProcess> {
    const child = spawn(process.execPath, [proloBin, 'up', ...flags, '--config', homes.site.file], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let output = '';
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (part: Buffer) => /^ready$/m.test((output += part.toString())) && resolve());
      child.once('exit', () => reject(new Error(`ended before it was ready:\n${output}`)));
    });
    return (up = child);
  }
  async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  it('ends them cleanly, leaves them with --keep-homes or when it is killed, and finds them again', async () => {
    const first = await start();
    await homes.enter('u001', 0, 1);
    await end(first, 'SIGTERM');
    expect(homes.processes(0, 'u001')).to.deep.equal([]);

    const second = await start('--keep-homes');
    const at = await homes.getHfs(0, 'u001');
    const [running] = homes.processes(0, 'u001');
    await end(second, 'SIGTERM');
    expect(homes.processes(0, 'u001')).to.deep.equal([running]);

    await end(await start(), 'SIGKILL');
    expect(homes.processes(0, 'u001')).to.deep.equal([running]);
    await (await connectNbd(at)).close();

    const last = await start();
    expect(await homes.served(0)).to.have.length(1);
    expect((await homes.served(0))[0]).to.include({ login: 'u001', state: 'served' });
    await end(last, 'SIGTERM');
    expect(homes.processes(0, 'u001')).to.deep.equal([]);
  });
});
