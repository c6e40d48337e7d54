import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Eta } from 'eta';
import { ProloError } from './errors.ts';
import { packageRoot } from './package-root.ts';

// One delimiter set for all targets; escaping is the renderer's job, since a zone, a script and a shell differ.
const eta = new Eta({
  autoEscape: false,
  autoTrim: false,
  useWith: false,
  // Every value is looked at, and knows what it is called: `undefined` is nothing to put into anybody's configuration.
  autoFilter: true,
  filterFunction: ((value: unknown, name: string) => {
    if (value === undefined || value === null) throw new Missing(`${name}: has no value`);
    return value;
  }) as (value: unknown) => string,
  plugins: [
    {
      processAST: (parts: (string | { t: string; val: string })[]) =>
        parts.map((part) =>
          typeof part === 'string' || (part.t !== 'i' && part.t !== 'r')
            ? part
            : { ...part, val: `${part.val}, ${JSON.stringify(part.val)}` },
        ),
    },
  ],
});
class Missing extends Error {}
const compiled = new Map<string, ReturnType<Eta['compile']>>();

/**
 * Renders `templates/<name>` with `it` as its data. Values must already be escaped for the target language.
 * @throws ProloError `failed` where a value is missing
 */
export function renderTemplate(name: string, data: object): string {
  let template = compiled.get(name);
  if (!template) {
    template = eta.compile(readFileSync(join(packageRoot, 'templates', name), 'utf8'));
    compiled.set(name, template);
  }
  try {
    return eta.render(template, data);
  } catch (error) {
    if (!(error instanceof Missing || error instanceof TypeError)) throw error;
    throw new ProloError('failed', `template ${name}: ${error.message}`, {
      hint: 'it was changed, or is of another prolo than this one: install prolo anew; nothing was written',
      cause: error,
    });
  }
}
