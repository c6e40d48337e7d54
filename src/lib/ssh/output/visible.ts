/** Everything that is not to be seen: control characters but tab and newline, and what turns the direction of writing. */
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const PLAIN = /^[\t\n\u0020-\u007e]*$/;

/**
 * What a machine said as it may go to a terminal: text in which nothing moves the cursor, changes colours or sets titles. Control
 * characters are shown as `cat -v` shows them (`^[`), others as `?`; a carriage return before a newline is left out.
 */
export function visible(bytes: Buffer): Buffer {
  const ascii = bytes.toString('latin1');
  if (PLAIN.test(ascii)) return bytes;
  const text = bytes.toString('utf8').replaceAll('\r\n', '\n');
  return Buffer.from(text.replace(HIDDEN, show));
}

function show(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x20 || code === 0x7f ? `^${String.fromCharCode(code ^ 0x40)}` : '?';
}
