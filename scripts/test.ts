// Runs every test, the e2e ones last, in mocha; the last line counts them.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import Mocha from 'mocha';

const root = join(import.meta.dirname, '..');
process.chdir(root);
const files = ['test/lib', 'test/daemons', 'test/commands', 'test/docs', 'test/e2e'].flatMap((dir) =>
  find(dir),
);
process.env.TZ = 'UTC'; // what people read is in their host's zone
// Real servers on a busy machine: what fails there is tried once more, and named at the end if that helped.
const retries = process.env.CI === 'true' ? 1 : 0;
const mocha = new Mocha({ timeout: 20_000, retries, color: process.stdout.isTTY });
for (const file of files) mocha.addFile(file);
await mocha.loadFilesAsync();
const runner = mocha.run((failures) => {
  for (const text of retried) process.stdout.write(`\ntried twice: ${text}`);
  const { passes = 0, pending = 0 } = runner.stats ?? {};
  process.stdout.write(`\n${passes} passed, ${failures} failed, ${pending} skipped\n`);
  process.exitCode = failures > 0 ? 1 : 0;
  // What a test left open would keep the process; say so rather than hang.
  setTimeout(() => {
    process.stderr.write('a test left something open\n');
    process.exit(process.exitCode || 1);
  }, 10_000).unref();
});

const retried: string[] = [];
runner.on('retry', (test, error) => retried.push(`${test.fullTitle()}: ${String(error)}`));

function find(dir: string): string[] {
  if (!existsSync(dir)) return [];
  const names = readdirSync(dir, { recursive: true }).map(String);
  return names
    .filter((name) => /\.test\.tsx?$/.test(name))
    .map((name) => join(dir, name))
    .sort();
}
