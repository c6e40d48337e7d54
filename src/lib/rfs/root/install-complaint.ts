import { ProloError } from '../../errors.ts';

const MARK = /^(?:E: |error: |==> ERROR: |dpkg: error:? )/;

/** What a package manager's words mean for whoever called it. */
const MEANINGS: readonly {
  kind: ConstructorParameters<typeof ProloError>[0];
  words: RegExp;
  hint: string;
}[] = [
  {
    kind: 'not-found',
    words: /unable to locate package|target not found|no installation candidate|version .* was not found/i,
    hint: 'is its name right, in this release?',
  },
  {
    kind: 'full',
    words: /no space left|(not|have) enough free (disk )?space/i,
    hint: 'free some space, then run it again',
  },
  {
    kind: 'unavailable',
    words: /failed to fetch|temporary failure|could not resolve|failed retrieving/i,
    hint: 'does this host reach the mirror?',
  },
  {
    kind: 'failed',
    words: /landlock|sandbox user/i,
    hint: 'pacman 7 shuts itself in, which it may not here: write `DisableSandbox` below [options] in /etc/pacman.conf there',
  },
  {
    kind: 'failed',
    words: /keyring is not writable|required key missing|unknown trust|PGP signature/i,
    hint: 'pacman does not know who signed them: `pacman-key --init && pacman-key --populate archlinux`, with an archlinux-keyring of these days',
  },
  {
    kind: 'unavailable',
    words: /(could not|unable to) lock database/i,
    hint: 'another pacman is at work there: when it has ended, run this again; where there is none, one was killed: rm /var/lib/pacman/db.lck there',
  },
  {
    kind: 'unavailable',
    words: /could not get lock|frontend lock|unable to (acquire|lock)/i,
    hint: 'another package manager is at work there: when it has ended, run this again',
  },
  {
    kind: 'refused',
    words: /held broken packages|unmet dependencies|conflicting dependencies/i,
    hint: 'they cannot be installed together; nothing was changed',
  },
];

/**
 * A package manager's complaints as an error of ours.
 * @param lines all that it said
 * @param what was at work: `staging: mmdebstrap`
 * @param hint the way out where it is none that is known
 */
export function complaintOf(lines: readonly string[], what: string, hint: string): ProloError {
  const said = lines.map((line) => line.trim()).filter(Boolean);
  const errors = said.filter((line) => MARK.test(line)).map((line) => line.replace(MARK, ''));
  const words =
    [...new Set(errors)].slice(0, 5).join('; ') || said.slice(-3).join('; ') || 'it ended in the middle';
  const meaning = MEANINGS.find((known) => known.words.test(words));
  const why = meaning?.kind === 'refused' ? unmet(said) : '';
  return new ProloError(meaning?.kind ?? 'failed', `${what}: ${words}${why}`, {
    hint: meaning?.hint ?? hint,
  });
}

/** apt says above its error what needs what. */
function unmet(lines: readonly string[]): string {
  const needs = lines.filter((line) => /: (Depends|Conflicts|Breaks|PreDepends): /.test(line));
  return needs.length > 0 ? ` (${needs.slice(0, 5).join('; ')})` : '';
}
