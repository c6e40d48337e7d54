import type { Machine } from '../../../src/lib/mdb/record.ts';
import { parseConfig } from '../../../src/lib/site/parse.ts';
import type { Config } from '../../../src/lib/site/schema.ts';

export function machine(fields: Partial<Machine> = {}): Machine {
  return {
    id: 1,
    hostname: 'pas-r01p01',
    aliases: '',
    ip: '192.168.0.1',
    mac: '52:54:00:00:00:01',
    rfs: 0,
    hfs: 0,
    mtype: 'user',
    room: 'pasteur',
    is_faulty: false,
    is_faulty_details: '',
    boot_once: null,
    ...fields,
  };
}

/** A file server that is both RFS 0 and 1. */
export const rhfs = machine({
  id: 2,
  hostname: 'rhfs01',
  aliases: 'rhfs,rfs0,rfs1,hfs0,hfs1',
  ip: '192.168.1.10',
  mac: '52:54:00:00:01:01',
  mtype: 'service',
});

export const config = (yaml = ''): Config => parseConfig(yaml, 'prolo.yml');

/**
 * The commands of an iPXE script, as iPXE finds them: lines, joined after a `\`, cut into words, then at `||`, `&&` and `;`,
 * up to a comment.
 */
export function commandsOf(script: string): string[][] {
  return script
    .replace(/\r?\n/g, '\n')
    .replace(/\\\n/g, '')
    .split('\n')
    .flatMap((line) => {
      const commands: string[][] = [[]];
      for (const word of line.split(/[\s\v\f]+/).filter(Boolean)) {
        if (word.startsWith('#')) break;
        if (['||', '&&', ';'].includes(word)) commands.push([]);
        else commands.at(-1)!.push(word);
      }
      return commands;
    })
    .filter((words) => words.length > 0);
}
