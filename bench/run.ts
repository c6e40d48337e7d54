/** `npm run bench -- [SUITE…] [--json]`: measures, prints, and keeps the result in bench/RESULTS.md. */
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

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const wanted = positionals.length > 0 ? positionals : suites;
const unknown = wanted.filter((name) => !suites.includes(name));
const say = (text: string): void => void process.stderr.write(`${text}\n`);

if (unknown.length > 0) {
  say(`suite ${unknown.join(', ')}: unknown; there are: ${suites.join(', ')}`);
  process.exitCode = 2;
} else {
  ensureBuilt(say);
  const figures: Figure[] = [];
  for (const suite of wanted) {
    const measured = await runSuite(suite);
    saveResult(suite, markdownTable(measured));
    figures.push(...measured);
  }
  process.stdout.write(
    `${values.json ? JSON.stringify(toJson(figures), undefined, 2) : textTable(figures)}\n`,
  );
}

/** Every file of the suite, one after the other; one that fails is told and makes the whole run fail at its end. */
async function runSuite(suite: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const file of readdirSync(join(import.meta.dirname, suite)).sort()) {
    if (!file.endsWith('.ts')) continue;
    const name = `${suite}/${basename(file, '.ts')}`;
    say(`${name} …`);
    try {
      const { default: bench } = (await import(join(import.meta.dirname, suite, file))) as { default: Bench };
      figures.push(...(await bench((text) => say(`  ${text}`))));
    } catch (error) {
      say(`${name}: ${(error as Error).stack}`);
      process.exitCode = 1;
    }
  }
  return figures;
}
