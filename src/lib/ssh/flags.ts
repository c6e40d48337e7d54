import { Args, Flags } from '@oclif/core';

/** Which machines: node sets as words, and these. */
export const selectionArgs = {
  selection: Args.string({ description: 'node sets, @groups; none: all machines' }),
};
export const selectionFlags = {
  exclude: Flags.string({
    char: 'x',
    description: 'leave these out',
    multiple: true,
    helpValue: 'SELECTION',
  }),
};

/** Before machines are touched. */
export const touchFlags = {
  yes: Flags.boolean({ char: 'y', description: 'ask nothing' }),
  'dry-run': Flags.boolean({ char: 'n', description: 'show which machines and what, and do nothing' }),
};

/** How they are reached; each in place of the site's own (`ssh` in prolo.yml). */
export const connectFlags = {
  user: Flags.string({ char: 'l', description: 'who logs in there' }),
  port: Flags.integer({ char: 'p', description: 'of sshd', min: 1, max: 65535 }),
  identity: Flags.string({ description: "a private key's file", helpValue: 'FILE' }),
  fanout: Flags.integer({ char: 'f', description: 'connections at once', min: 1 }),
  'connect-timeout': Flags.integer({ description: 'seconds until a machine must have let us in', min: 1 }),
};
