import { ProloError } from './errors.ts';

export { foldNodeset } from './nodeset-fold.ts';

/** More names than this in one node set are a typing error, or an attack. */
export const MAX_NAMES = 100_000;
const MAX_GLOBS = 1000;

/** The names in a group: `@room:pasteur` asks for ('room', 'pasteur'), `@faulty` for ('faulty'). Throws for one it does not know. */
export type GroupResolver = (group: string, value?: string) => Iterable<string>;

/** What a node set's words stand for. Without it: names stand for themselves, and there are no groups and no globs. */
export interface NodesetContext {
  group?: GroupResolver;
  /** The name that a name stands for: an alias's machine. Throws for one that is unknown. */
  name?: (name: string) => string;
  /** What `*` and `?` are matched against. */
  known?: Iterable<string>;
}

/**
 * Every name of a node set, once, in the order of their mention: `pas-r[01-06]p[1,3,5-9/2]`, `@group:value`, `pas-*`,
 * joined by `,` (or spaces), `!` (without), `&` (only those also in), `^` (in one of both). As in ClusterShell, operators
 * have no precedence: they apply from left to right.
 * @throws ProloError `bad-input`, or what the context throws
 */
export function parseNodeset(text: string, context: NodesetContext = {}): string[] {
  let result = new Set<string>();
  let budget = MAX_NAMES;
  for (const { operator, term } of splitTerms(text)) {
    const names = resolveTerm(text, term, budget, context);
    budget -= names.length;
    if (operator === ',') for (const name of names) result.add(name);
    else if (operator === '!') for (const name of names) result.delete(name);
    else {
      const other = new Set(names);
      const kept = [...result].filter((name) => other.has(name) === (operator === '&'));
      const added = operator === '^' ? [...other].filter((name) => !result.has(name)) : [];
      result = new Set([...kept, ...added]);
    }
  }
  return [...result];
}

function bad(text: string, problem: string, hint?: string): ProloError {
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  return new ProloError('bad-input', `node set ${JSON.stringify(shown)}: ${problem}`, hint ? { hint } : {});
}

/** The words of a node set, each with the operator before it. */
function splitTerms(text: string): { operator: string; term: string }[] {
  const terms: { operator: string; term: string }[] = [];
  let operator: string | undefined = ',';
  let term = '';
  let inside = false;
  const flush = (): void => {
    if (!term) return;
    terms.push({ operator: operator ?? ',', term });
    operator = undefined;
    term = '';
  };
  for (const [token] of text.matchAll(/[[\],!&^]|\s+|[^\s[\],!&^]+/g)) {
    if (inside || token === '[') {
      if (inside && token === '[') throw bad(text, 'a bracket inside a bracket');
      inside = token !== ']';
      term += token.trim();
    } else if (token === ']') throw bad(text, 'a ] without its [');
    else if (/^[,!&^]$/.test(token)) {
      flush();
      if (operator !== undefined) throw bad(text, `nothing before ${token}`);
      operator = token;
    } else if (token.trim()) term += token;
    else flush();
  }
  if (inside) throw bad(text, 'a [ without its ]');
  flush();
  if (operator !== undefined && terms.length > 0) throw bad(text, `nothing after ${operator}`);
  if (operator !== undefined && text.trim()) throw bad(text, 'no names in it');
  return terms;
}

function resolveTerm(text: string, term: string, budget: number, context: NodesetContext): string[] {
  const words = expandBrackets(text, term, budget);
  if (term.startsWith('@')) return resolveGroups(text, words, budget, context);
  if (/[*?]/.test(term)) return matchGlobs(text, words, budget, context);
  const strange = /[^\p{ASCII}]|[^\w.:[\]/,-]/u.exec(term)?.[0];
  if (strange) throw bad(text, `${JSON.stringify(strange)} cannot be in a name`);
  return context.name ? words.map(context.name) : words;
}

function resolveGroups(text: string, words: string[], budget: number, context: NodesetContext): string[] {
  const names: string[] = [];
  for (const word of words) {
    const [, group, value] = /^@([\w-]+|\*)(?::(.+))?$/.exec(word) ?? [];
    if (!group) throw bad(text, `${word} is not a group (@name or @name:value)`);
    if (!context.group) throw bad(text, `${word}: there are no groups here`);
    for (const name of context.group(group === '*' ? 'all' : group, value)) names.push(name);
    if (names.length > budget) throw tooMany(text);
  }
  return names;
}

function matchGlobs(text: string, globs: string[], budget: number, context: NodesetContext): string[] {
  if (!context.known) throw bad(text, `${globs[0]}: there is nothing here that * or ? could match`);
  if (globs.length > MAX_GLOBS) throw tooMany(text);
  const names: string[] = [];
  for (const glob of globs) {
    const matching = [...context.known].filter((name) => matchesGlob(name, glob));
    if (matching.length === 0) throw new ProloError('not-found', `node set: nothing matches ${glob}`);
    for (const name of matching) names.push(context.name?.(name) ?? name);
    if (names.length > budget) throw tooMany(text);
  }
  return names;
}

/** `*` any characters, `?` one. Goes back to the last star only, so it takes at most length times length steps. */
function matchesGlob(name: string, glob: string): boolean {
  let [n, g, star, mark] = [0, 0, -1, 0];
  while (n < name.length) {
    if (glob[g] === '*') [star, mark] = [g++, n];
    else if (glob[g] === '?' || glob[g] === name[n]) [n, g] = [n + 1, g + 1];
    else if (star >= 0) [g, n] = [star + 1, ++mark];
    else return false;
  }
  return /^\**$/.test(glob.slice(g));
}

function tooMany(text: string): ProloError {
  return bad(text, `more than ${MAX_NAMES} names`);
}

/** `a[1-2]b[3,5]` as a1b3, a1b5, a2b3, a2b5. */
function expandBrackets(text: string, term: string, budget: number): string[] {
  let words = [''];
  for (const [index, part] of term.split(/\[([^\]]*)\]/).entries()) {
    const choice = index % 2 ? expandRanges(text, part) : [part]; // texts and the brackets' insides, in turn
    if (words.length * choice.length > budget) throw tooMany(text);
    words =
      choice.length === 1
        ? words.map((word) => word + choice[0])
        : words.flatMap((word) => choice.map((value) => word + value));
  }
  return words;
}

/** `01-03,7,10-20/5` as 01, 02, 03, 7, 10, 15, 20: a padded start pads them all. */
function expandRanges(text: string, ranges: string): string[] {
  const values: string[] = [];
  for (const range of ranges.split(',')) {
    const [, from, to = from, step = '1'] = /^(\d{1,12})(?:-(\d{1,12})(?:\/(\d{1,12}))?)?$/.exec(range) ?? [];
    if (!from || !to || Number(step) === 0 || Number(to) < Number(from))
      throw bad(
        text,
        `[${range}] is not a range`,
        'write 1-9, 01-12, 1-9/2 or a list of such, such as 1,3,5-7',
      );
    const width = isPadded(from) ? from.length : 0;
    if (to.length < from.length || (isPadded(to) && to.length !== from.length))
      throw bad(text, `[${range}]: its two ends are padded differently`);
    if ((Number(to) - Number(from)) / Number(step) + values.length >= MAX_NAMES) throw tooMany(text);
    for (let value = Number(from); value <= Number(to); value += Number(step))
      values.push(String(value).padStart(width, '0'));
  }
  return values;
}

function isPadded(digits: string): boolean {
  return digits.length > 1 && digits.startsWith('0');
}
