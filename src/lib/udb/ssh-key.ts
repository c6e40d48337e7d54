import { ProloError } from '../errors.ts';
import { cleanText, quote } from '../mdb/validate.ts';

const TYPES = [
  'ssh-ed25519',
  'ssh-rsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
];

/**
 * One OpenSSH public key, `<type> <base64> [comment]`, as an authorized_keys file may hold it; '' for none. Options before
 * the type, a second line, or a blob that is not of its type are refused.
 * @throws ProloError `bad-input`
 */
export function checkSshKey(owner: string, text: string): string {
  const key = text.trim();
  if (key === '') return '';
  const refuse = (why: string): never => {
    throw new ProloError('bad-input', `${owner}: ssh key ${quote(key.slice(0, 40))}: ${why}`, {
      hint: 'it is the one line of a file such as ~/.ssh/id_ed25519.pub',
    });
  };
  if (key.includes('PRIVATE KEY')) refuse('this is a private key; the public one is wanted');
  if (/[\r\n]/.test(key)) refuse('more than one line');
  if (key.length > 4096) refuse('longer than 4096');
  const [type = '', blob = '', ...comment] = key.split(/[ \t]+/);
  if (!TYPES.includes(type)) refuse(`does not begin with a type of key (${TYPES.slice(0, 3).join(', ')}, …)`);
  const problem = checkBlob(type, blob);
  if (problem) refuse(problem);
  return [type, blob, cleanText(comment.join(' '), 200)].filter(Boolean).join(' ');
}

/** A blob is length-prefixed fields that fill it exactly, the first of them its type. */
function checkBlob(type: string, blob: string): string | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(blob) || blob.length % 4 !== 0) return 'is not base 64 after its type';
  const bytes = Buffer.from(blob, 'base64');
  const fields: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 4 > bytes.length) return 'is cut short';
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) return 'is cut short';
    fields.push(bytes.subarray(at + 4, end));
    at = end;
  }
  if (fields[0]?.toString('latin1') !== type) return 'is not of the type it says';
  return fields.length < 2 || fields.slice(1).some(({ length }) => length === 0) ? 'is cut short' : undefined;
}
