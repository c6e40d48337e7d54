// `npm start`: the sample site in ./demo, made if there is none, and run.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { spawn, spawnSync } from 'node:child_process';

const root = join(import.meta.dirname, '..');
const prolo = join(root, 'bin/run.js');
const config = join(root, 'demo/prolo.yml');

if (!existsSync(config)) {
  const made = spawnSync(process.execPath, [prolo, 'site', 'init', join(root, 'demo'), '--sample'], {
    stdio: 'inherit',
  });
  if (made.status !== 0) process.exit(made.status ?? 1);
}
const child = spawn(process.execPath, [prolo, 'up', '--config', config], { stdio: 'inherit' });
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGTERM' ? 143 : 130)));
