import { ProloError } from '../errors.ts';

/**
 * Asks at the terminal for what must not be shown.
 * @throws ProloError `bad-input` where nobody can be asked; `hint` says what else there is
 */
export async function askHidden(what: string, hint: string): Promise<string> {
  if (!process.stdin.isTTY)
    throw new ProloError('bad-input', `${what}: nobody is at the terminal to ask`, { hint });
  const [{ createInterface }, { Writable }] = await Promise.all([
    import('node:readline/promises'),
    import('node:stream'),
  ]);
  process.stderr.write(`${what}: `);
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: hidden, terminal: true });
  try {
    return await terminal.question('');
  } finally {
    terminal.close();
    process.stderr.write('\n');
  }
}
