/**
 * What the login shell over there is given. One word is a command line of its own, as it is; several are an argv, which that shell
 * must not take apart again.
 */
export function commandOf(words: readonly string[]): string {
  return words.length === 1 ? words[0]! : words.map(quote).join(' ');
}

/** A word that any POSIX shell reads as itself. */
export function quote(word: string): string {
  return /^[\w%+,./:=@^-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
