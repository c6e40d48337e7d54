import { ProloError } from '../errors.ts';
import { askHidden } from './ask-hidden.ts';
import { readInput } from './input.ts';

/**
 * A passphrase from a file (its first line), or asked for at the terminal without showing it; never an argument.
 * @throws ProloError `bad-input` when it is too short, differs the second time, or nobody can be asked
 */
export async function readPassphrase(file: string | undefined, options: { twice: boolean }): Promise<string> {
  const ask = (what: string): Promise<string> =>
    askHidden(what, 'name a file of mode 0600 with --passphrase-file');
  const passphrase =
    file === undefined ? await ask('passphrase') : ((await readInput(file)).split(/\r?\n/)[0] ?? '');
  if (passphrase.length < 8) throw new ProloError('bad-input', 'passphrase: shorter than 8 characters');
  if (file === undefined && options.twice && (await ask('the same again')) !== passphrase)
    throw new ProloError('bad-input', 'passphrase: not the same twice');
  return passphrase;
}
