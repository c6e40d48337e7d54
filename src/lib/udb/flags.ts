import { Flags } from '@oclif/core';
import { GROUPS } from '../site/schema.ts';
import type { PlainInput } from './users.ts';

/** A person's kind. SADM's commands call it the type. */
export const groupFlag = (description: string, alias = 'type') =>
  Flags.string({ description, options: [...GROUPS], aliases: [alias], helpValue: 'G' });

export const lengthFlag = Flags.integer({
  description: 'length of generated passwords; left out: that of the group',
  min: 6,
  max: 64,
  helpValue: 'N',
});

/** The fields of a user as flags. A password is never an argument: every process of the host could read it. */
export const userFlags = {
  firstname: Flags.string({ description: 'first name', helpValue: 'NAME' }),
  lastname: Flags.string({ description: 'last name', helpValue: 'NAME' }),
  group: groupFlag(`a person's kind: ${GROUPS.join(', ')}`),
  uid: Flags.string({
    description: "a UID of the group's range, or auto: the first free one",
    helpValue: 'N',
  }),
  shell: Flags.string({ description: 'login shell', helpValue: 'PATH' }),
  'ssh-key': Flags.string({
    description: 'file of one OpenSSH public key (-: standard input)',
    helpValue: 'FILE',
  }),
  'password-file': Flags.string({
    description: 'file whose first line is the password (-: standard input)',
    helpValue: 'FILE',
    exclusive: ['ask-password'],
  }),
  'ask-password': Flags.boolean({ description: 'ask for the password at the terminal' }),
};

type FlagValues = { [name in keyof typeof userFlags]?: string | boolean | undefined };

/** The flags that were given, as a wish; reads the files that they name. @throws ProloError */
export async function userInput(flags: FlagValues): Promise<PlainInput> {
  const { firstname, lastname, group, uid, shell } = flags as Record<string, string | undefined>;
  const [key, password] = [flags['ssh-key'] as string | undefined, await readNewPassword(flags)];
  return {
    ...(firstname === undefined ? {} : { firstname }),
    ...(lastname === undefined ? {} : { lastname }),
    ...(group === undefined ? {} : { group }),
    ...(uid === undefined ? {} : { uid: uid === 'auto' ? 'auto' : Number(uid || NaN) }),
    ...(shell === undefined ? {} : { shell }),
    ...(key === undefined ? {} : { ssh_key: await (await import('../cli/input.ts')).readInput(key) }),
    ...(password === undefined ? {} : { password }),
  };
}

async function readNewPassword(flags: FlagValues): Promise<string | undefined> {
  const file = flags['password-file'] as string | undefined;
  if (file !== undefined) return (await (await import('../cli/input.ts')).readInput(file)).split(/\r?\n/)[0];
  if (!flags['ask-password']) return undefined;
  const { askHidden } = await import('../cli/ask-hidden.ts');
  const password = await askHidden('password', 'name a file with --password-file');
  if ((await askHidden('again', '')) === password) return password;
  const { ProloError } = await import('../errors.ts');
  throw new ProloError('bad-input', 'password: not the same twice');
}
