import { Flags } from '@oclif/core';
import { touchFlags } from '../ssh/flags.ts';

/** How many machines start together; each in place of the site's own (`ssh` in prolo.yml). */
export const waveFlags = {
  'per-switch': Flags.integer({ description: 'machines of one switch at once; else ssh.perSwitch', min: 1 }),
  'wave-seconds': Flags.integer({
    description: 'until the next ones of that switch; else ssh.waveSeconds',
    min: 0,
    max: 3600,
  }),
};

/** Before machines go down: this is always asked. */
export const downFlags = {
  yes: Flags.boolean({ char: 'y', description: 'ask nothing; needed where nobody is at a terminal' }),
  'dry-run': { ...touchFlags['dry-run'], description: 'show which machines and when, and do nothing' },
};
