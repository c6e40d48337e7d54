import { type Line, lineOf } from '../../cli/line.ts';

/** Older lines, and which of them is shown. */
export interface Recall {
  /** Oldest first. */
  lines: readonly string[];
  /** As many lines back from what is being typed; 0: none. */
  back: number;
  /** What was being typed when an older line came up. */
  draft: string;
  /** What is looked for (Ctrl-R). */
  search?: string;
}

export function recallOf(lines: readonly string[]): Recall {
  return { lines, back: 0, draft: '' };
}

/** A line that was entered: it is the newest one, once, and nothing is recalled. */
export function remember({ lines }: Recall, line: string): Recall {
  return recallOf(isKept(line) && lines.at(-1) !== line ? [...lines, line] : lines);
}

/** As in bash with `ignorespace`: what begins with a space leaves no trace. */
export function isKept(line: string): boolean {
  return line.trim() !== '' && !line.startsWith(' ');
}

export function older(recall: Recall, line: Line): { recall: Recall; line: Line } {
  if (recall.back >= recall.lines.length) return { recall, line };
  const draft = recall.back === 0 ? line.text : recall.draft;
  return show({ ...recall, draft, back: recall.back + 1 });
}

export function newer(recall: Recall, line: Line): { recall: Recall; line: Line } {
  return recall.back === 0 ? { recall, line } : show({ ...recall, back: recall.back - 1 });
}

function show(recall: Recall): { recall: Recall; line: Line } {
  const text = recall.back === 0 ? recall.draft : recall.lines.at(-recall.back)!;
  return { recall, line: lineOf(text) };
}

/** The newest line that has it, older than `back` lines; undefined: none. */
export function find({ lines }: Recall, text: string, back: number): number | undefined {
  for (let at = back + 1; at <= lines.length; at++) if (lines.at(-at)!.includes(text)) return at;
  return undefined;
}
