import { Args, Flags } from '@oclif/core';
import { MAX_SECONDS } from './max-seconds.ts';

const where = (what: string) =>
  Flags.string({
    description: `only where this is found in the ${what}`,
    helpValue: 'REGEX',
    helpGroup: 'SELECTION',
  });

/** Which machines: node sets as words, and these. */
export const selectionArgs = {
  selection: Args.string({
    description:
      'node sets, and groups: @all @faulty @room:R @mtype:T @rfs:N @hfs:N @user:LOGIN @logged-in @free @alive',
  }),
};
/** Each leaves fewer; `chooseMachines` has the order. */
export const selectionFlags = {
  exclude: Flags.string({
    char: 'x',
    description: 'leave these out, whatever else names them; may be repeated',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'SELECTION',
    helpGroup: 'SELECTION',
  }),
  failed: Flags.boolean({ description: 'only those that failed in your last run', helpGroup: 'SELECTION' }),
  hostname: where('name'),
  ip: where('address'),
  mac: where('MAC address'),
  rfs: where("root file server's number"),
  hfs: where("home file server's number"),
  mtype: where('type'),
  room: where('room'),
};

/** Before machines are touched. */
export const touchFlags = {
  yes: Flags.boolean({
    char: 'y',
    description: 'ask nothing (nothing is asked where nobody is at a terminal)',
  }),
  'dry-run': Flags.boolean({ char: 'n', description: 'show which machines and what, and do nothing' }),
};

/** How they are reached; each in place of the site's own (`ssh` in prolo.yml). */
export const connectFlags = {
  user: Flags.string({ char: 'l', description: 'who logs in there; else ssh.user of prolo.yml' }),
  port: Flags.integer({ char: 'p', description: 'of sshd; else ssh.port', min: 1, max: 65535 }),
  identity: Flags.string({
    description: "a private key's file; else ssh.identity, or your agent and ~/.ssh",
    helpValue: 'FILE',
  }),
  fanout: Flags.integer({
    char: 'f',
    description: 'connections at once; else ssh.fanout (for copies at most 50)',
    min: 1,
  }),
  'connect-timeout': Flags.integer({
    description: 'seconds until a machine must have let us in; else ssh.connectSeconds',
    min: 1,
    max: MAX_SECONDS,
  }),
};
