import { ProloError } from '../errors.ts';
import { formatIp, parseIp } from '../net.ts';
import { type Config, MTYPES, type Mtype } from '../site/schema.ts';

const MAC_NOTATIONS = [
  /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/, // Linux
  /^[0-9a-f]{2}(-[0-9a-f]{2}){5}$/, // Windows, IEEE
  /^[0-9a-f]{4}(\.[0-9a-f]{4}){2}$/, // Cisco
  /^[0-9a-f]{12}$/,
];

/** A MAC in any usual notation as `aa:bb:cc:dd:ee:ff`; undefined when it is none, or no single machine's. */
export function normalizeMac(text: string): string | undefined {
  const lower = text.trim().toLowerCase();
  if (!MAC_NOTATIONS.some((notation) => notation.test(lower))) return undefined;
  const digits = lower.replace(/[^0-9a-f]/g, '');
  const multicast = (parseInt(digits.slice(0, 2), 16) & 1) === 1;
  if (multicast || /^0+$/.test(digits)) return undefined;
  return digits.match(/../g)!.join(':');
}

/** @throws ProloError `bad-input` */
export function checkMac(owner: string, text: string): string {
  const mac = normalizeMac(text);
  if (mac) return mac;
  throw new ProloError(
    'bad-input',
    `${owner}: mac ${quote(text)} is not a machine's MAC address (aa:bb:cc:dd:ee:ff)`,
  );
}

/** One DNS label, case folded. A name with `_` once stopped BIND, so nothing else gets in. @throws ProloError */
export function checkLabel(what: string, text: string): string {
  const name = text.trim();
  // Before it is folded: the Kelvin sign is no k.
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(name)) return name.toLowerCase();
  throw new ProloError(
    'bad-input',
    `${what} ${quote(text)} is not a DNS name (letters, digits and - inside, at most 63)`,
  );
}

/**
 * A machine's hostname or alias: a DNS label that is nobody else's by nature.
 * @throws ProloError
 */
export function checkMachineName(what: string, text: string): string {
  const name = checkLabel(what, text);
  if (!/^(localhost|hostmaster|alien(-\d+)?)$/.test(name)) return name;
  throw new ProloError('bad-input', `${what} ${quote(name)} is a name that DNS has another use for`);
}

export function checkIp(owner: string, text: string): string {
  const ip = parseIp(text.trim());
  if (ip !== undefined) return formatIp(ip);
  throw new ProloError('bad-input', `${owner}: ip ${quote(text)} is not an IPv4 address`);
}

/** The number of an RFS or HFS. */
export function checkServerNumber(owner: string, field: string, value: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= 9999) return value;
  throw new ProloError('bad-input', `${owner}: ${field} ${value} is not a server's number (0 to 9999)`);
}

export function checkMtype(owner: string, text: string): Mtype {
  if ((MTYPES as readonly string[]).includes(text)) return text as Mtype;
  throw new ProloError('bad-input', `${owner}: mtype ${quote(text)} is none of ${MTYPES.join(', ')}`);
}

export function checkRoom(owner: string, text: string, config: Config): string {
  if (Object.hasOwn(config.rooms, text)) return text;
  throw new ProloError(
    'bad-input',
    `${owner}: room ${quote(text)} is none of ${Object.keys(config.rooms).join(', ')}`,
    {
      hint: 'rooms are named under `rooms` in prolo.yml',
    },
  );
}

/** Free text that a person reads: control characters out, also those that turn the direction of writing, bounded. */
export function cleanText(text: string, max = 500): string {
  return text
    .replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g, ' ')
    .trim()
    .slice(0, max);
}

/** For error texts: visible, one line, short. */
export function quote(text: unknown): string {
  const shown = (JSON.stringify(text) ?? String(text)).replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, // JSON leaves these as they are
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return shown.length > 80 ? `${shown.slice(0, 77)}…"` : shown;
}
