import { readFile, stat } from 'node:fs/promises';
import type { ParsedKey } from 'ssh2';

/** What is in a private key's file, or is wrong with it. */
export type KeyFile =
  | { is: 'private'; key: ParsedKey }
  | {
      /** `locked`: it has a passphrase. The key is its public half, where that is known. */
      is: 'absent' | 'unusable' | 'locked' | 'public';
      key?: ParsedKey;
      what: string;
      hint: string;
    };

const MAX_BYTES = 64 * 1024;

/** Whatever is wrong with it, it is said, not thrown. */
export async function readKeyFile(file: string): Promise<KeyFile> {
  const { default: ssh2 } = await import('ssh2');
  const hint = 'expected a private key of OpenSSH, which `ssh-keygen` makes';
  let text: Buffer;
  let isOpenToOthers: boolean;
  let mode: number;
  try {
    const found = await stat(file);
    if (found.size > MAX_BYTES) return { is: 'unusable', what: 'too large for a key', hint };
    mode = found.mode & 0o777;
    // As OpenSSH's own client: what is another user's is not ours to judge.
    isOpenToOthers = found.uid === process.getuid?.() && (mode & 0o077) !== 0;
    text = await readFile(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { is: 'absent', what: 'not there', hint: 'name the file of a private key' };
    const what = { EACCES: 'not for us to read', EISDIR: 'a folder' }[code ?? ''] ?? message;
    return { is: 'unusable', what, hint };
  }
  const key = firstOf(ssh2.utils.parseKey(text));
  const isLocked = key instanceof Error && /encrypted|passphrase/i.test(key.message);
  if (key instanceof Error && !isLocked) return { is: 'unusable', what: 'not a key', hint };
  if (isOpenToOthers && (isLocked || (key as ParsedKey).isPrivateKey()))
    return {
      is: 'unusable',
      what: `mode ${mode.toString(8)}: others may read it`,
      hint: `chmod 600 ${file}`,
    };
  if (key instanceof Error) {
    const publicHalf = await publicHalfOf(file, ssh2.utils.parseKey);
    return {
      is: 'locked',
      ...(publicHalf ? { key: publicHalf } : {}),
      what: 'it has a passphrase',
      hint: `give it to your agent: \`ssh-add ${file}\``,
    };
  }
  if (key.isPrivateKey()) return { is: 'private', key };
  return {
    is: 'public',
    key,
    what: 'it is the public half of a key, which the agent does not have',
    hint: file.endsWith('.pub') ? `name the other half: ${file.slice(0, -4)}` : hint,
  };
}

type ParseKey = (text: Buffer) => ParsedKey | Error;

async function publicHalfOf(file: string, parseKey: ParseKey): Promise<ParsedKey | undefined> {
  try {
    const key = firstOf(parseKey(await readFile(`${file}.pub`)));
    return key instanceof Error ? undefined : key;
  } catch {
    return undefined;
  }
}

/** Some forms hold several keys. */
function firstOf(parsed: ParsedKey | Error | ParsedKey[]): ParsedKey | Error {
  return Array.isArray(parsed) ? (parsed[0] ?? new Error('no key')) : parsed;
}
