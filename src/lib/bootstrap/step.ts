import type { SystemFile } from './files.ts';

export type Action =
  /** `secret`: its input is not shown. */
  | { argv: readonly string[]; input?: string; secret?: boolean }
  /** In the new system. */
  | { file: SystemFile }
  | { link: string; to: string }
  /** Prolo with its Node, in the new system. */
  | { prolo: true };

export interface Step {
  name: string;
  /** For people. */
  what: string;
  /**
   * `disks`: a run that goes on with what an earlier one left does it again only when it does all of them. `system`: not when that
   * one had done it. `always`: each time.
   */
  when: 'disks' | 'system' | 'always';
  actions: readonly Action[];
}

export const argvs = (...all: readonly (readonly string[])[]): Action[] => all.map((argv) => ({ argv }));
