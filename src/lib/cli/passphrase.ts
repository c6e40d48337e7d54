import { readFileSync } from 'node:fs';
import { ProloError } from '../errors.ts';

/**
 * A passphrase from a file (its first line), or asked for at the terminal without showing it; never an argument.
 * @throws ProloError `bad-input` when it is too short, differs the second time, or nobody can be asked
 */
export async function readPassphrase(file: string | undefined, options: { twice: boolean }): Promise<string> {
  const passphrase =
    file === undefined
      ? await ask('passphrase: ')
      : (readFileSync(file === '-' ? 0 : file, 'utf8').split('\n')[0] ?? '');
  if (passphrase.length < 8) throw new ProloError('bad-input', 'passphrase: shorter than 8 characters');
  if (file === undefined && options.twice && (await ask('again: ')) !== passphrase)
    throw new ProloError('bad-input', 'passphrase: not the same twice');
  return passphrase;
}

async function ask(prompt: string): Promise<string> {
  if (!process.stdin.isTTY)
    throw new ProloError('bad-input', 'passphrase: nobody is at the terminal to ask', {
      hint: 'name a file of mode 0600 with --passphrase-file',
    });
  const [{ createInterface }, { Writable }] = await Promise.all([
    import('node:readline/promises'),
    import('node:stream'),
  ]);
  process.stderr.write(prompt);
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: hidden, terminal: true });
  try {
    return await terminal.question('');
  } finally {
    terminal.close();
    process.stderr.write('\n');
  }
}
