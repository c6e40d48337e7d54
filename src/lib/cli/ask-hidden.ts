import { ProloError } from '../errors.ts';

/**
 * Asks at the terminal for what must not be shown.
 * @throws ProloError `bad-input` where nobody can be asked (`hint` says what else there is), or nobody answers
 */
export async function askHidden(what: string, hint: string): Promise<string> {
  if (!process.stdin.isTTY)
    throw new ProloError('bad-input', `${what}: nobody is at the terminal to ask`, { hint });
  const [{ createInterface }, { Writable }] = await Promise.all([
    import('node:readline'),
    import('node:stream'),
  ]);
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: hidden, terminal: true });
  process.stderr.write(`${what}: `); // only now: the terminal no longer shows what is typed
  try {
    return await new Promise<string>((resolve, reject) => {
      terminal.once('line', resolve);
      terminal.once('close', () => reject(new ProloError('bad-input', `${what}: none was given`))); // ^C, ^D
    });
  } finally {
    terminal.close();
    process.stderr.write('\n');
  }
}
