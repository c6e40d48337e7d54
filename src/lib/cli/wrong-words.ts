import { ProloError } from '../errors.ts';
import { nearest } from './nearest.ts';

/** What oclif throws at flags and arguments that a command does not take. */
export interface WrongWords extends Error {
  oclif: { exit: 2 };
  /** Those that the command does not have. */
  flags?: readonly string[];
}

export function isWrongWords(error: unknown): error is WrongWords {
  const { oclif, code } = error as Partial<WrongWords> & { code?: string };
  return oclif?.exit === 2 && code !== 'EEXIT'; // that one is `this.exit(2)`: all is said
}

/**
 * oclif's words as ours.
 * @param command such as `mdb list`
 * @param known its flags, without `--`
 */
export function wrongWords(error: WrongWords, command: string, known: readonly string[]): ProloError {
  const message = error.message
    .replace(/\nSee more help with --help$/, '')
    .replace(/^The following errors? occurred:\s*/, '')
    .replace(/^Parsing (--\S+) \n\t/, '$1: ')
    .replace(/=true cannot also/, ' cannot also');
  const long = (error.flags ?? []).filter((flag) => flag.startsWith('--')).map((flag) => flag.slice(2));
  const near = long.flatMap((flag) => nearest(flag, known));
  const guess = near.length > 0 ? `did you mean ${near.map((flag) => `--${flag}`).join(' or ')}? ` : '';
  return new ProloError('bad-input', message, {
    hint: `${guess}\`prolo ${command} --help\` says what it takes`,
    cause: error,
  });
}
