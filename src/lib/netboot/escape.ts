/**
 * What may stand inside a line of an iPXE script. iPXE cuts a line at white space, takes `||`, `&&` and `;` as the end of
 * a command, a word that begins with `#` as a comment, a `\` at the end as "goes on below", and then expands `${…}`. It has
 * no quotes, so whatever could be one of these is replaced by what looks like it.
 */

/** Free text for people, as one line of printable ASCII that can neither end its command nor expand anything. */
export function ipxeText(text: string, max = 300): string {
  const ascii = text
    .slice(0, 4 * max)
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .replace(/\{/g, '(')
    .replace(/\}/g, ')')
    .slice(0, max);
  return ipxeLine(ascii);
}

/** One word of printable ASCII: what a value is `set` to, a name among arguments. */
export function ipxeWord(text: string, max = 100): string {
  return ipxeText(text, max).replace(/ /g, '_');
}

/**
 * Words of the site's own config (kernel arguments, addresses): iPXE's settings such as `${netX/mac}` stay, but it is one
 * line and one command.
 */
export function ipxeLine(text: string): string {
  const words = text
    .replace(/\s+/g, ' ')
    .replace(/[^ -~]/gu, '?')
    .replace(/\\/g, '/')
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => (word === '||' || word === '&&' ? word.slice(1) : word === ';' ? ',' : word))
    .map((word) => (word.startsWith('#') ? `'${word}` : word));
  if (words[0]?.startsWith('-')) words[0] = `'${words[0]}`; // an option to echo
  return words.join(' ');
}

/** An address of the site's config as one word. */
export function ipxeUrl(url: string): string {
  return ipxeLine(url.trim().replace(/\s+/g, '%20'));
}
