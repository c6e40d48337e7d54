/** What a program that makes a root says, as few words for whoever waits. */
export interface Phases {
  /** @returns what is new, where this line says so */
  take(line: string): string | undefined;
  /** The lines that say what went wrong. */
  complaints(): string[];
}

const COMPLAINT = /^(E: |dpkg: error |error: |==> ERROR: )|: (Depends|Conflicts|Breaks|PreDepends): /;

/** So often in one phase. */
const STEPS = 10;

/** @param packages how many will be unpacked and set up, if that is known */
export function readPhases(): Phases {
  const complaints: string[] = [];
  let total = 0;
  let done = 0;
  let said = 0;
  return {
    take(line) {
      if (COMPLAINT.test(line) && complaints.length < 50) complaints.push(line);
      const phase = /^I: (.*?)(?:\.\.\.)?$/.exec(line)?.[1];
      if (phase) return PHASES.find(([start]) => phase.startsWith(start))?.[1];
      const known = PACMAN_PHASES.find(([start]) => line.startsWith(start))?.[1];
      if (known !== undefined) return known;
      const count = /^(\d+) upgraded, (\d+) newly installed/.exec(line) ?? /^Packages \((\d+)\) /.exec(line);
      if (count) [total, done, said] = [Number(count[1]) + Number(count[2] ?? 0), 0, 0];
      if (!/^Setting up |^(re)?installing \S+\.\.\.$|^upgrading /.test(line) || total === 0) return undefined;
      done += 1;
      const step = Math.floor((done / total) * STEPS);
      if (step <= said) return undefined;
      said = step;
      return `${done} of ${total} packages set up`;
    },
    complaints: () => [...new Set(complaints)],
  };
}

/** Of pacman. */
const PACMAN_PHASES: readonly (readonly [string, string])[] = [
  [':: Synchronizing package databases', 'asks for the lists of packages'],
  [':: Retrieving packages', 'downloads what all need'],
  [':: Running post-transaction hooks', 'sets it up'],
];

const PHASES: readonly (readonly [string, string])[] = [
  ['running apt-get update', 'asks for the lists of packages'],
  ['downloading packages', 'downloads what all need'],
  ['extracting archives', 'unpacks it'],
  ['installing essential', 'sets it up'],
  ['installing remaining', 'downloads and sets up the rest'],
  ['cleaning package lists', 'cleans up'],
];
