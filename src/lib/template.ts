import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Eta } from 'eta';
import { packageRoot } from './package-root.ts';

// One delimiter set for all targets; escaping is the renderer's job, since a zone, a script and a shell differ.
const eta = new Eta({ autoEscape: false, autoTrim: false, useWith: false });
const compiled = new Map<string, ReturnType<Eta['compile']>>();

/** Renders `templates/<name>` with `it` as its data. Values must already be escaped for the target language. */
export function renderTemplate(name: string, data: object): string {
  let template = compiled.get(name);
  if (!template) {
    template = eta.compile(readFileSync(join(packageRoot, 'templates', name), 'utf8'));
    compiled.set(name, template);
  }
  return eta.render(template, data);
}
