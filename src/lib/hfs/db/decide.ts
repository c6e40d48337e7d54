import { ProloError } from '../../errors.ts';
import type { Home } from '../protocol.ts';

/** A server that was asked for a home, by its name. */
export interface Ask {
  login: string;
  hfs: number;
  /** Of a new home. */
  size_bytes: number;
  /** The highest epoch that any home of its owner ever had; default: none. */
  last_epoch?: number;
  /** ISO 8601, UTC */
  now: string;
}

/** What the asking server does, with the image of its own epoch. */
export type Action =
  | { action: 'create'; epoch: number }
  | { action: 'serve'; epoch: number }
  | { action: 'fetch'; epoch: number; source: { hfs: number; epoch: number } };

/** The row as it shall be, and the answer; or a move elsewhere that has to come to an end first. */
export type OpenDecision = { row: Home; answer: Action } | { settle: { hfs: number; target_epoch: number } };

/**
 * What server `ask.hfs` shall do for a home. The row is to be stored before the answer is given.
 * @param asked the epoch of a move whose target was asked to end it, whatever came of it: that one is given up. Its target
 *   never gets the owner's word any more, so it can serve nothing but what the owner still lets it write
 */
export function decideOpen(row: Home | undefined, ask: Ask, asked?: number): OpenDecision {
  const { login, hfs, size_bytes, last_epoch = 0, now } = ask;
  if (!row) {
    const epoch = last_epoch + 1;
    const first = { login, hfs, epoch, last_epoch: epoch, size_bytes, changed_at: now };
    return create({ ...first, state: 'creating', target: null, target_epoch: null });
  }
  switch (row.state) {
    case 'creating':
      // Elsewhere, nothing was served yet: that attempt may still make its file, and will be told that it is not the home.
      return row.hfs === hfs ? create(row) : create(remake(row, { hfs, size_bytes, now }));
    case 'here':
      return row.hfs === hfs ? { row, answer: { action: 'serve', epoch: row.epoch } } : fetch(row, hfs, now);
    case 'moving': {
      if (row.target === hfs) return answerFetch(row);
      if (asked !== row.target_epoch)
        return { settle: { hfs: row.target!, target_epoch: row.target_epoch! } };
      return decideOpen(stay(row, now), ask);
    }
  }
}

/** A home that is made anew, at an epoch of its own. */
export function remake(row: Home, to: { hfs: number; size_bytes: number; now: string }): Home {
  const epoch = row.last_epoch + 1;
  const moved = { hfs: to.hfs, epoch, last_epoch: epoch, size_bytes: to.size_bytes, changed_at: to.now };
  return { ...row, ...moved, state: 'creating', target: null, target_epoch: null };
}

/** Its move is off: the owner is who it was. */
function stay(row: Home, now: string): Home {
  return { ...row, state: 'here', target: null, target_epoch: null, changed_at: now };
}

function create(row: Home): OpenDecision {
  return { row, answer: { action: 'create', epoch: row.epoch } };
}

function fetch(row: Home, target: number, now: string): OpenDecision {
  const epoch = row.last_epoch + 1;
  return answerFetch({
    ...row,
    ...{ state: 'moving', target, target_epoch: epoch, last_epoch: epoch, changed_at: now },
  });
}

function answerFetch(row: Home): OpenDecision {
  const source = { hfs: row.hfs, epoch: row.epoch };
  return { row, answer: { action: 'fetch', epoch: row.target_epoch!, source } };
}

/** Who says that something is done, and of which epoch. */
export interface Claim {
  login: string;
  hfs: number;
  epoch: number;
}

/** The row once a new image is on its server's disk; repeated, the same one. @throws ProloError `conflict` when it is not that server's to make */
export function decideCreated(row: Home | undefined, claim: Claim, now: string): Home {
  if (!row || !owns(row, claim)) throw stale(row, claim);
  return row.state === 'creating' ? { ...row, state: 'here', changed_at: now } : row;
}

/**
 * The row once the source has given its word, or undefined where this move was finished before.
 * @throws ProloError `conflict` when the home is not moving to that server at that epoch
 */
export function decideFinish(row: Home | undefined, claim: Claim, now: string): Home | undefined {
  if (row && owns(row, claim) && row.state !== 'creating') return undefined;
  if (!row || !receives(row, claim)) throw stale(row, claim);
  return { ...stay(row, now), hfs: claim.hfs, epoch: claim.epoch };
}

/** The row after a move is given up; undefined where there is nothing to give up: it was finished, or given up before. */
export function decideAbort(row: Home, claim: Claim, now: string): Home | undefined {
  return receives(row, claim) ? stay(row, now) : undefined;
}

function owns(row: Home, { hfs, epoch }: Claim): boolean {
  return row.hfs === hfs && row.epoch === epoch;
}

function receives(row: Home, { hfs, epoch }: Claim): boolean {
  return row.state === 'moving' && row.target === hfs && row.target_epoch === epoch;
}

function stale(row: Home | undefined, { login, hfs, epoch }: Claim): ProloError {
  return new ProloError('conflict', `home ${login}: epoch ${epoch} of hfs ${hfs} is stale`, {
    hint: row ? `it is ${describeHome(row)}` : 'there is no such home',
  });
}

/** `at hfs 0, epoch 3, moving to hfs 1 at epoch 4` */
export function describeHome({ hfs, epoch, state, target, target_epoch }: Home): string {
  const moving = state === 'moving' ? `, moving to hfs ${target} at epoch ${target_epoch}` : '';
  return `at hfs ${hfs}, epoch ${epoch}${moving}${state === 'creating' ? ', not made yet' : ''}`;
}
