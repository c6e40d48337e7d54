import { type Finding, red } from './check.ts';
import { whyNot } from './http.ts';

/** A file that machines boot from. */
export interface Wanted {
  url: string;
  /** What the manifest of its version says; undefined: nothing does. */
  sha256?: string;
  version?: number;
}

export interface Came {
  status?: number;
  /** The hash of what came. */
  got?: string;
  trouble?: string;
}

export const HTTP_FILE_MS = 6_000;

/** The file with what came of it, or why nothing did. */
export async function fetchFile<T extends Wanted>(
  file: T,
  fetch: (url: string) => Promise<{ status: number; sha256: string }>,
): Promise<T & Came> {
  try {
    const { status, sha256 } = await fetch(file.url);
    return { ...file, status, got: sha256 };
  } catch (error) {
    return { ...file, trouble: whyNot(error, HTTP_FILE_MS) };
  }
}

/** What is wrong with it, `hash` being what it should have; `way`: out of it, where no version's repair is one. */
export function judgeFile(
  { url, version, status, got, trouble }: Wanted & Came,
  hash: string | undefined,
  way: { trouble: string; status: string },
): Finding[] {
  const repair = version ? `prolo rfs verify ${version} --repair` : way.status;
  if (trouble !== undefined) return [red(`${url}: ${trouble}`, way.trouble)];
  // A part of a file, asked for as such, comes with 206.
  if (status !== 200 && status !== 206) return [red(`${url}: status ${status}`, repair)];
  if (hash === undefined || hash === got) return [];
  const meant = version ? `the file of version ${version}` : 'the file that it should be';
  return [red(`${url}: not ${meant}: its hash is another`, repair)];
}
