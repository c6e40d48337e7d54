import { ProloError } from '../errors.ts';

/**
 * What the login shell over there is given. One word is a command line of its own, as it is; several are an argv, which that shell
 * must not take apart again.
 */
export function commandOf(words: readonly string[]): string {
  if (words.length === 1) return words[0]!;
  const [program = '', ...args] = words.map(quote);
  // Unquoted, the shell would take it for a variable of the command that comes next.
  return [program.includes('=') && program === words[0] ? `'${program}'` : program, ...args].join(' ');
}

/** A word that any POSIX shell reads as itself. */
export function quote(word: string): string {
  return /^[\w%+,./:=@^-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * The words before and after the first `--`.
 * @param argv as they were given. @param words those that are no flags
 * @throws ProloError `bad-input` where no command is
 */
export function splitWords(
  argv: readonly string[],
  words: readonly string[],
): { selection: string[]; command: string[] } {
  const at = argv.indexOf('--');
  const command = at < 0 ? [] : argv.slice(at + 1);
  if (command.some((word) => word.trim() !== ''))
    return { selection: words.slice(0, words.length - command.length), command };
  throw new ProloError('bad-input', 'pssh: no command', {
    hint: 'it comes after --: `prolo pssh @room:pasteur -- uptime`',
  });
}
