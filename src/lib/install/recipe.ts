import type { TreeEntry } from '../rfs/root/tree-entry.ts';
import type { Site } from '../site/site.ts';

export const DISTRIBUTIONS = ['debian', 'arch'] as const;
export type Distribution = (typeof DISTRIBUTIONS)[number];

/** A file as a recipe wants it. */
export interface FileWish {
  /** Absolute, of the installed system. */
  path: string;
  text: string;
  /** Default 0644. */
  mode?: number;
  /** Default root:root. */
  owner?: string;
  group?: string;
  /** Whoever wrote what is there now: nobody's work is in it. */
  replace?: boolean;
}

export interface FolderWish {
  path: string;
  mode?: number;
  owner?: string;
  group?: string;
}

/** A folder of files of this machine, which nobody else writes to: what it should not have goes. */
export interface TreeWish {
  path: string;
  /** What it is, as a plan says it. */
  what: string;
  /** For the host whose root folder this is. Listed only when it is to be compared. */
  entries(root: string): readonly TreeEntry[] | Promise<readonly TreeEntry[]>;
}

/** A program that reads files of the recipe and says whether they are right. */
export interface Check {
  argv: readonly string[];
  /** Only where that program is there. */
  ifPresent?: boolean;
}

/** What one part of a site needs on a host, as data. What is left out is not needed. */
export interface Recipe {
  name: string;
  summary: string;
  /** Recipes that come before it. */
  needs?: readonly string[];
  packages?: readonly string[];
  /** System users, each with a group of its own name. */
  users?: readonly { name: string; home?: string }[];
  folders?: readonly FolderWish[];
  trees?: readonly TreeWish[];
  files?: readonly FileWish[];
  /** Run once all files are there, before anything reloads them; one that says no puts the old files back. */
  checks?: readonly Check[];
  /** Units to enable, and to reload or restart when one of the recipe's files has changed. */
  units?: readonly string[];
  /** What makes a running system take the files in, where no unit of it does: `sysctl --system`. */
  afterwards?: readonly (readonly string[])[];
}

/** What recipes are made from. */
export interface Host {
  site: Site;
  distribution: Distribution;
  hostname: string;
  /** What it is in the site, where that was said. */
  role?: string;
}

export type RecipeMaker = (host: Host) => Recipe;
