import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { ProloError } from '../errors.ts';
import { quote } from '../mdb/validate.ts';
import { splitName } from './login.ts';

/** One person of an import file, not yet checked against UDB. */
export interface ImportRow {
  /** `line 3` or `entry 3`, after the file's name: where to look when it is wrong. */
  where: string;
  /** Left out: made from the name. */
  login?: string;
  firstname?: string;
  lastname?: string;
  group?: string;
  uid?: number;
  shell?: string;
  ssh_key?: string;
  /** The plain one; left out: generated. */
  password?: string;
  /** The row says who, and nothing of them: updating such a user makes a new password. */
  bare?: true;
}

export interface TextOptions {
  /** Lines are logins, not names. */
  logins: boolean;
  /** Lines end in a password: after the last tab, or else the last word. */
  passwords: boolean;
}

/**
 * A person a line: `Firstname Lastname`. Empty lines, lines that begin with `#`, a byte order mark and Windows' line ends
 * do not count.
 * @throws ProloError `bad-input` that names the line
 */
export function parseTextImport(file: string, text: string, options: TextOptions): ImportRow[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  return lines.flatMap((raw, i) => {
    const line = raw.trim();
    return line === '' || line.startsWith('#') ? [] : [parseLine(`${file}: line ${i + 1}`, line, options)];
  });
}

function parseLine(where: string, line: string, options: TextOptions): ImportRow {
  const { who, password } = options.passwords
    ? splitPassword(where, line, options.logins)
    : { who: line, password: undefined };
  const person = options.logins ? { login: who } : splitName(who);
  return { where, bare: true, ...person, ...(password === undefined ? {} : { password }) };
}

/** A login has no spaces, so its password may; a name has, so its password's may only follow a tab. */
function splitPassword(where: string, line: string, logins: boolean): { who: string; password: string } {
  const match =
    /^(.*\S)\s*\t\s*(\S.*)$/.exec(line) ?? (logins ? /^(\S+)\s+(\S.*)$/ : /^(.*\S)\s+(\S+)$/).exec(line);
  if (match) return { who: match[1]!, password: match[2]! };
  throw new ProloError('bad-input', `${where}: no password`, {
    hint: `with --passwords a line is "${logins ? 'login password' : 'Firstname Lastname password'}"`,
  });
}

const Entry = Type.Object(
  {
    login: Type.Optional(Type.String()),
    firstname: Type.Optional(Type.String()),
    lastname: Type.Optional(Type.String()),
    group: Type.Optional(Type.String()),
    type: Type.Optional(Type.String()), // SADM's word in some exports
    uid: Type.Optional(Type.Integer()),
    shell: Type.Optional(Type.String()),
    ssh_key: Type.Optional(Type.String()),
    password: Type.Optional(Type.String()),
    id: Type.Optional(Type.Integer()), // UDB's own: what `udb list --json` prints comes back in
  },
  { additionalProperties: false },
);

/** Whether a file is JSON by its looks: no name and no login begins with a bracket. */
export function looksLikeJson(text: string): boolean {
  return /^\uFEFF?\s*[[{]/.test(text);
}

/** An array of objects, each with `login`, or `firstname` and `lastname`. @throws ProloError `bad-input` that names the entry */
export function parseJsonImport(file: string, text: string): ImportRow[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new ProloError('bad-input', `${file}: not JSON: ${(error as Error).message.slice(0, 200)}`, {
      cause: error,
    });
  }
  if (!Array.isArray(parsed))
    throw new ProloError('bad-input', `${file}: expected an array of objects, a user each`);
  return parsed.map((entry: unknown, i) => toRow(`${file}: entry ${i + 1}`, entry));
}

function toRow(where: string, entry: unknown): ImportRow {
  const known = Object.keys(Entry.properties);
  if (!Value.Check(Entry, entry)) {
    const unknown = Object.keys(Object(entry) as object).find((key) => !known.includes(key));
    const first = Value.Errors(Entry, entry)[0] as { instancePath: string; message: string } | undefined;
    const text =
      unknown === undefined
        ? `${first?.instancePath.slice(1) || 'it'}: ${first?.message ?? 'wrong'}`
        : `unknown field ${quote(unknown)}`;
    throw new ProloError('bad-input', `${where}: ${text}`, { hint: `fields: ${known.join(', ')}` });
  }
  const { type, id: _id, ...row } = entry as Static<typeof Entry>;
  if (!row.login && !row.firstname && !row.lastname)
    throw new ProloError('bad-input', `${where}: neither a login nor a name`);
  return { where, ...row, ...(type !== undefined && row.group === undefined ? { group: type } : {}) };
}
