import { ProloError } from '../../errors.ts';

/** What a line asks for. */
export type Order =
  | { do: 'nothing' }
  | { do: 'run'; command: string }
  | { do: 'select' | 'add' | 'drop'; selection: string[] }
  | { do: 'machines' | 'help' | 'quit' }
  | { do: 'timeout'; seconds: number }
  | { do: 'out'; file: string };

export const HELP = [
  ['COMMAND', 'runs it on all machines, as it is'],
  [':select SELECTION', 'these machines from now on'],
  [':add SELECTION', 'and these'],
  [':drop SELECTION', 'and these no more'],
  [':machines', 'how each of them is'],
  [':timeout SECONDS', 'that a command may take; 0: as long as it likes'],
  [':out FILE', 'writes all of the last answers to a file'],
  [':help', 'these words'],
  [':quit', 'leaves, as Ctrl-D'],
  ['Ctrl-C', 'waits no longer and keeps what came; twice at an empty prompt: leaves'],
  ['Ctrl-R', 'looks for an older line'],
] as const;

const WORDS = 'words: :select, :add, :drop, :machines, :timeout, :out, :help, :quit';

/** @throws ProloError `bad-input` for a word that is none of ours, or lacks what it needs */
export function parseOrder(line: string): Order {
  const text = line.trim();
  if (!text) return { do: 'nothing' };
  // `: ; command` and `:` alone are the shell's.
  const [, word, rest = ''] = /^:([A-Za-z]\S*)\s*(.*)$/s.exec(text) ?? [];
  if (word === undefined) return { do: 'run', command: text };
  const wants = (what: string): ProloError =>
    new ProloError('bad-input', `:${word}: ${what}`, { hint: ':help shows how' });
  switch (word) {
    case 'select':
    case 'add':
    case 'drop':
      if (!rest) throw wants('which machines?');
      return { do: word, selection: rest.split(/\s+/) };
    case 'timeout':
      if (!/^\d{1,6}$/.test(rest)) throw wants('how many seconds? 0: as long as a command likes');
      return { do: 'timeout', seconds: Number(rest) };
    case 'out':
      if (!rest) throw wants('to which file?');
      return { do: 'out', file: rest };
    case 'machines':
    case 'help':
    case 'quit':
      if (rest) throw wants('nothing comes after it');
      return { do: word };
    default:
      throw new ProloError('bad-input', `:${word}: no such word`, { hint: WORDS });
  }
}
