import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { prolo, proloBin } from '../support/cli.ts';
import { needs } from '../support/needs.ts';
import { freePortBase } from '../support/site.ts';

const root = join(import.meta.dirname, '../..');

interface Step {
  command: string;
  expected: string[];
}

/** The `$ …` lines of a document's ```console blocks, each with the output that is printed below it. */
export function readSteps(markdown: string): Step[] {
  const steps: Step[] = [];
  for (const [, block = ''] of markdown.matchAll(/```console\n([\s\S]*?)```/g))
    for (const line of block.split('\n')) {
      if (line.startsWith('$ ')) steps.push({ command: line.slice(2), expected: [] });
      else if (line !== '') steps.at(-1)?.expected.push(line);
    }
  return steps;
}

/** Whether each expected line is in the output, in order; `…` stands for anything. */
function differs(expected: readonly string[], output: string): string | undefined {
  const lines = output.split('\n');
  let at = 0;
  for (const line of expected) {
    const pattern = new RegExp(
      `^${line
        .trimEnd()
        .split('…')
        .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
        .join('.*')}\\s*$`,
    );
    const found = lines.findIndex((text, i) => i >= at && pattern.test(text));
    if (found < 0) return `this line is not in the output: ${line}\n--- output\n${output}`;
    at = found + 1;
  }
  return undefined;
}

const documents = ['README.md', ...readdirSync(join(root, 'docs')).map((file) => join('docs', file))].filter(
  (file) => file.endsWith('.md'),
);

for (const document of documents) {
  const steps = readSteps(readFileSync(join(root, document), 'utf8'));
  if (steps.length === 0) continue;
  describe(`the commands in ${document}`, function () {
    this.timeout(60_000);
    let dir: string;
    let up: ChildProcess;
    let portBase: number;
    before(async () => {
      dir = mkdtempSync(join(tmpdir(), 'prolo-docs-'));
      portBase = await freePortBase();
      mkdirSync(join(dir, 'bin'));
      writeFileSync(join(dir, 'bin/prolo'), `#!/bin/sh\nexec ${process.execPath} ${proloBin} "$@"\n`);
      chmodSync(join(dir, 'bin/prolo'), 0o755);
      await prolo(['site', 'init', join(dir, 'demo'), '--sample', '--port-base', String(portBase)]);
      up = spawn(process.execPath, [proloBin, 'up', '--config', join(dir, 'demo/prolo.yml')], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let output = '';
      await new Promise<void>((resolve) =>
        up.stdout!.on('data', (part: Buffer) => /^ready$/m.test((output += part.toString())) && resolve()),
      );
    });
    after(() => {
      up?.kill('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    });

    for (const { command, expected } of steps)
      it(command, async function () {
        if (/\bcurl\b/.test(command)) needs(this, { curl: 'curl' });
        // Documents name SADM's ports; this site has others.
        const moved = command.replace(
          /127\.0\.0\.1:(20\d{3})/g,
          (_, port: string) => `127.0.0.1:${portBase + Number(port) - 20000}`,
        );
        const env = {
          ...process.env,
          PATH: `${join(dir, 'bin')}:${process.env.PATH}`,
          PROLO_CONFIG: join(dir, 'demo/prolo.yml'),
          NO_COLOR: '1',
        };
        const output = await new Promise<string>((resolve, reject) =>
          execFile('sh', ['-ec', moved], { cwd: dir, env, timeout: 30_000 }, (error, stdout, stderr) =>
            error ? reject(error) : resolve(stdout + stderr),
          ),
        );
        expect(differs(expected, output)).to.equal(undefined);
      });
  });
}
