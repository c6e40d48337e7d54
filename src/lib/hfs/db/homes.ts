import { asProloError, ProloError } from '../../errors.ts';
import { createLocks } from '../../locks.ts';
import type { Logger } from '../../log.ts';
import type { Site } from '../../site/site.ts';
import { audit } from '../../store/change-log.ts';
import { readTogether, type Store, transact, type Tx } from '../../store/store.ts';
import { hfsClient } from '../clients.ts';
import type { Home, HomeStatus, Opened, Seat } from '../protocol.ts';
import {
  type Action,
  type Claim,
  decideAbort,
  decideCreated,
  decideFinish,
  decideOpen,
  describeHome,
} from './decide.ts';
import { checkSeat } from './seat.ts';
import {
  findHome,
  findOwner,
  findWhereabouts,
  listHomes,
  mustFindHome,
  type Owner,
  writeHome,
} from './table.ts';

/** A server's word, once what it has to wait for is over: a client that is cut off, a file that is synced. */
const WORD_MS = 10_000;
/** How long a server may take to finish a move, or to give it up. */
const SETTLE_MS = 20_000;
/** Between a move's end and the next look, another may have begun. */
const ATTEMPTS = 4;

/** Which server owns which home: the calls of servers. One thing at a time for each login. */
export interface Homes {
  open(login: string, hfs: number, ip: string): Promise<Opened>;
  created(claim: Claim): Promise<void>;
  finishMove(claim: Claim): Promise<void>;
  abortMove(claim: Claim): Promise<Home>;
  list(hfs?: number): Promise<HomeStatus[]>;
  /** As `open`, for nobody who waits. @param check in the same transaction; it throws when it may not be */
  decide(login: string, hfs: number, check: (db: Tx) => Promise<void>): Promise<Action & { owner: Owner }>;
  /** Works when nothing else is going on with that home. What a row holds then stays so, but for who is logged on. */
  alone<T>(login: string, work: () => Promise<T>): Promise<T>;
  /** Reads, changes and writes one row, when nothing else is going on with it. */
  update<T>(login: string, work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Asks a server. @throws ProloError `unavailable` that names it */
  ask(hfs: number, method: string, kwargs: Record<string, unknown>, timeoutMs?: number): Promise<unknown>;
}

export function createHomes(site: Site, log: Logger, store: Store, wordMs = WORD_MS): Homes {
  const { config } = site;
  const inOrder = createLocks();
  const now = (): string => new Date().toISOString();

  const ask: Homes['ask'] = async (hfs, method, kwargs, timeoutMs = wordMs) => {
    try {
      return await hfsClient(site, hfs, timeoutMs).call(method, kwargs);
    } catch (error) {
      const known = asProloError(error);
      if (known.kind !== 'unavailable') throw known;
      throw new ProloError('unavailable', `hfs ${hfs}: does not answer`, {
        hint: `is \`prolo daemon hfs@${hfs}\` running, and its box up?`,
        cause: error,
      });
    }
  };

  /** The row is written before anything is answered; where nothing changes, nothing waits for the disk. */
  const step = async <T>(
    login: string,
    hfs: number,
    asked: number | undefined,
    check: (db: Tx) => Promise<T>,
  ): Promise<
    { value: T; owner: Owner; row: Home; answer: Action } | { settle: { hfs: number; target_epoch: number } }
  > => {
    const decide = async (tx: Tx) => {
      const owner = await findOwner(tx, config, login);
      const value = await check(tx);
      const before = await findHome(tx, login);
      const decision = decideOpen(before, { login, hfs, size_bytes: owner.size_bytes, now: now() }, asked);
      if ('settle' in decision) return { decision, changed: false };
      return { decision: { ...decision, value, owner }, changed: decision.row !== before };
    };
    const looked = await readTogether(store, decide);
    if (!looked.changed) return looked.decision;
    return transact(store, async (tx) => {
      const { decision, changed } = await decide(tx);
      if (changed && 'row' in decision) {
        await writeHome(tx, decision.row);
        await audit(
          tx,
          `hfs ${hfs}`,
          `home ${decision.answer.action}`,
          `${login} ${describeHome(decision.row)}`,
        );
      }
      return decision;
    });
  };

  const openAs = async <T>(login: string, hfs: number, check: (db: Tx) => Promise<T>) => {
    let asked: number | undefined;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const result = await inOrder(login, () => step(login, hfs, asked, check));
      if ('answer' in result) return result;
      // Not in order: what it waits for is that server's finish_move or abort_move.
      asked = result.settle.target_epoch;
      await ask(result.settle.hfs, 'settle', { login }, SETTLE_MS).catch((error: unknown) =>
        log.warn(
          { login, ...result.settle, error: asProloError(error).message },
          'home: its move is dropped',
        ),
      );
    }
    throw new ProloError('unavailable', `home ${login}: it is moving to and fro`, {
      hint: 'try again in a moment',
    });
  };

  const claimed = (claim: Claim, decide: (row: Home | undefined) => Home | undefined): Promise<void> =>
    transact(store, async (tx) => {
      const before = await findHome(tx, claim.login);
      const after = decide(before);
      if (!after || after === before) return;
      await writeHome(tx, after);
      await audit(tx, `hfs ${claim.hfs}`, 'home', `${claim.login} ${describeHome(after)}`);
    });

  return {
    ask,
    async open(login, hfs, ip) {
      const {
        value: seat,
        owner,
        row,
        answer,
      } = await openAs(login, hfs, async (tx): Promise<Seat> =>
        checkSeat(login, ip, await findWhereabouts(tx, login, ip), config.bind),
      );
      return { ...owner, seat, size_bytes: row.size_bytes, ...answer };
    },
    async decide(login, hfs, check) {
      const { owner, row, answer } = await openAs(login, hfs, check);
      return { ...answer, owner: { ...owner, size_bytes: row.size_bytes } };
    },
    created: (claim) => inOrder(claim.login, () => claimed(claim, (row) => decideCreated(row, claim, now()))),
    finishMove: (claim) =>
      inOrder(claim.login, async () => {
        const { login, hfs, epoch } = claim;
        const before = await findHome(store.knex, login);
        if (!decideFinish(before, claim, now())) return;
        await ask(before!.hfs, 'end_source', { login, epoch: before!.epoch, target_epoch: epoch });
        await claimed(claim, (row) => decideFinish(row, claim, now()));
        log.info({ login, from: before!.hfs, to: hfs, epoch }, 'home: has moved');
      }),
    abortMove: (claim) =>
      inOrder(claim.login, async () => {
        await claimed(claim, (row) => row && decideAbort(row, claim, now()));
        return mustFindHome(store.knex, claim.login);
      }),
    list: (hfs) => listHomes(store.knex, hfs),
    alone: inOrder,
    update: (login, work) => inOrder(login, () => transact(store, work)),
  };
}
