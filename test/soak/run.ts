/** `npm run soak [-- NAME…]`: the long runs, one after the other; the last result of each is kept in bench/RESULTS.md. */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { saveResult } from '../../bench/results.ts';
import type { Soak } from './soak.ts';

const names = readdirSync(import.meta.dirname)
  .map((file) => basename(file, '.ts'))
  .filter((name) => name !== 'run' && name !== 'soak')
  .sort();
const wanted = process.argv.length > 2 ? process.argv.slice(2) : names;
const unknown = wanted.filter((name) => !names.includes(name));

if (unknown.length > 0) {
  console.error(`soak ${unknown.join(', ')}: unknown; there are: ${names.join(', ')}`);
  process.exitCode = 2;
} else for (const name of wanted) await runSoak(name);

async function runSoak(name: string): Promise<void> {
  console.error(`${name} …`);
  const startedMs = performance.now();
  const { default: soak } = (await import(join(import.meta.dirname, `${name}.ts`))) as { default: Soak };
  let result: string[];
  try {
    result = ['Held.', ...(await soak((text) => console.error(`  ${text}`)))];
  } catch (error) {
    process.exitCode = 1;
    console.error((error as Error).stack);
    result = [`**Gave way**: ${(error as Error).message.split('\n')[0]}`];
  }
  const minutes = ((performance.now() - startedMs) / 60_000).toFixed(1);
  const lines = [...result, `${minutes} minutes.`];
  console.log([`${name}:`, ...lines].join('\n  '));
  saveResult(`soak ${name}`, lines.map((line) => `- ${line}`).join('\n'));
}
