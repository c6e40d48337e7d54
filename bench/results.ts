import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeMachine } from './machine.ts';

const FILE = join(import.meta.dirname, 'RESULTS.md');
const HEAD = `# Results

The last run of each suite, on the machine named. \`npm run bench\` and \`npm run soak\` write this file.
`;

/** Puts the result of a suite in the place of its last one. */
export function saveResult(suite: string, body: string): void {
  let old = HEAD;
  try {
    old = readFileSync(FILE, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  writeFileSync(FILE, replaceSection(old, suite, `${describeMachine(new Date())}\n\n${body}`));
}

/** The text with one `## title` section new; another's is left as it is. */
export function replaceSection(markdown: string, title: string, body: string): string {
  const [head = '', ...sections] = markdown.split(/^## /m);
  const others = sections.filter((section) => !section.startsWith(`${title}\n`));
  const all = [...others, `${title}\n\n${body}`].sort((a, b) => (titleOf(a) < titleOf(b) ? -1 : 1));
  return [head, ...all].map((part) => part.trimEnd()).join('\n\n## ') + '\n';
}

function titleOf(section: string): string {
  return section.slice(0, section.indexOf('\n'));
}
