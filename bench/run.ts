/**
 * `npm run bench -- [SUITE…] [SUITE/FILE…] [--short] [--json]`: measures and prints. A whole suite's result is kept in
 * bench/RESULTS.md; that of one file, or of `--short` (to try whether it runs, on a machine that does other things too), is not.
 */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench, Figure } from './figure.ts';
import { saveResult } from './results.ts';
import { ensureBuilt } from './support/built.ts';
import { markdownTable, textTable, toJson } from './table.ts';

const NOT_SUITES = new Set(['support']);
const suites = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !NOT_SUITES.has(entry.name))
  .map(({ name }) => name)
  .sort();

const filesOf = (suite: string): string[] =>
  readdirSync(join(import.meta.dirname, suite))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => basename(file, '.ts'))
    .sort();

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false }, short: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const wanted = positionals.length > 0 ? positionals : suites;
const unknown = wanted.filter((name) => {
  const [suite = '', file] = name.split('/');
  return !suites.includes(suite) || (file !== undefined && !filesOf(suite).includes(file));
});
const say = (text: string): void => void process.stderr.write(`${text}\n`);

if (unknown.length > 0) {
  say(`suite ${unknown.join(', ')}: unknown; there are: ${suites.join(', ')}`);
  process.exitCode = 2;
} else {
  ensureBuilt(say);
  const figures: Figure[] = [];
  for (const name of wanted) {
    const [suite = '', file] = name.split('/');
    const { measured, failed } = await runFiles(suite, file === undefined ? filesOf(suite) : [file]);
    if (file === undefined && !values.short && measured.length > 0)
      saveResult(suite, [markdownTable(measured), ...failed].join('\n\n'));
    figures.push(...measured);
  }
  process.stdout.write(
    `${values.json ? JSON.stringify(toJson(figures), undefined, 2) : textTable(figures)}\n`,
  );
}

/** One file after the other; one that fails is told, also among the results, and makes the whole run fail at its end. */
async function runFiles(
  suite: string,
  files: readonly string[],
): Promise<{ measured: Figure[]; failed: string[] }> {
  const measured: Figure[] = [];
  const failed: string[] = [];
  for (const file of files) {
    const name = `${suite}/${file}`;
    say(`${name} …`);
    try {
      const { default: bench } = (await import(join(import.meta.dirname, suite, `${file}.ts`))) as {
        default: Bench;
      };
      measured.push(...(await bench((text) => say(`  ${text}`), { short: values.short })));
    } catch (error) {
      say(`${name}: ${(error as Error).stack}`);
      failed.push(`Failed: ${name}.`);
      process.exitCode = 1;
    }
  }
  return { measured, failed };
}
