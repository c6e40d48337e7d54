import { ProloError } from '../../errors.ts';

/** Some packages in, some out, in the order in which they were written. */
export interface PackageList {
  /** Where it was written, for errors: `profile base`. */
  from: string;
  lines: readonly string[];
}

/** `name`, `name:arch`, `name=version`, `name/release`; never what a program would take for an option. */
const PACKAGE = /^[a-z0-9][a-z0-9+.@_-]*(:[a-z0-9]+)?([=/][A-Za-z0-9.+:~_-]+)?$/;

/** The lines of a list that say something: a package each, `#` begins a comment. */
export function readPackageLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter(Boolean);
}

/**
 * What is to be installed: list after list, `-name` takes away what an earlier line put in.
 * @throws ProloError `config` for a line that is no package
 */
export function choosePackages(lists: readonly PackageList[]): string[] {
  const chosen = new Map<string, string>();
  for (const { from, lines } of lists)
    for (const line of lines) {
      const out = line.startsWith('-');
      const word = checkPackage(out ? line.slice(1) : line, from, 'config');
      if (out) chosen.delete(nameOf(word));
      else chosen.set(nameOf(word), word);
    }
  return [...chosen.values()];
}

/** @throws ProloError */
export function checkPackage(word: string, from: string, kind: 'config' | 'bad-input'): string {
  if (PACKAGE.test(word)) return word;
  throw new ProloError(kind, `${from}: ${JSON.stringify(word)} is no package`, {
    hint: 'such as firefox-esr, or -firefox-esr to leave one out; one in a line',
  });
}

/** Without the version that somebody insists on. */
export const nameOf = (word: string): string => word.split(/[=/]/)[0]!;
