import { asProloError, ProloError } from '../../errors.ts';
import { createLocks } from '../../locks.ts';
import type { Logger } from '../../log.ts';
import type { Site } from '../../site/site.ts';
import { audit } from '../../store/change-log.ts';
import { readTogether, type Store, transact, type Tx } from '../../store/store.ts';
import { hfsClient } from '../clients.ts';
import { homeName, ownerOf } from '../home-name.ts';
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
import { type HomeSession, isSameSession, setOfSession } from './sets.ts';
import { readSetFacts, writeSession } from './sets-table.ts';
import {
  findHome,
  findHomeOf,
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

/** Which home is asked for, by name, and what its check found. */
type Choose<T> = (
  tx: Tx,
  owner: Owner,
) => Promise<{
  name: string;
  value: T;
  /** One that is given its home with this answer. */
  session?: HomeSession;
}>;

/** Which server owns which home: the calls of servers. One thing at a time for each person. */
export interface Homes {
  /** The home that the session of `login` has, or gets now. */
  open(login: string, hfs: number, ip: string): Promise<Opened>;
  created(claim: Claim): Promise<void>;
  finishMove(claim: Claim): Promise<void>;
  abortMove(claim: Claim): Promise<Home>;
  list(hfs?: number): Promise<HomeStatus[]>;
  /** As `open`, for nobody who waits. @param check in the same transaction; it throws when it may not be */
  decide(name: string, hfs: number, check: (db: Tx) => Promise<void>): Promise<Action & { owner: Owner }>;
  /** Works when nothing else is going on with that home. What a row holds then stays so, but for who is logged on. */
  alone<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Reads, changes and writes one row, when nothing else is going on with it. */
  update<T>(name: string, work: (tx: Tx) => Promise<T>): Promise<T>;
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
    choose: Choose<T>,
  ): Promise<
    | { value: T; owner: Owner; row: Home; answer: Action }
    | { settle: { hfs: number; target_epoch: number }; name: string }
  > => {
    const decide = async (tx: Tx) => {
      const owner = await findOwner(tx, config, login);
      const { name, value, session } = await choose(tx, owner);
      const { home: before, last_epoch } = await findHomeOf(tx, name);
      const ask = { login: name, hfs, size_bytes: owner.size_bytes, last_epoch, now: now() };
      const decision = decideOpen(before, ask, asked);
      if ('settle' in decision) return { decision: { ...decision, name }, begins: false, moves: false };
      const moves = decision.row !== before;
      return { decision: { ...decision, value, owner }, begins: session !== undefined, moves, session };
    };
    const looked = await readTogether(store, decide);
    if (!looked.begins && !looked.moves) return looked.decision;
    return transact(store, async (tx) => {
      const { decision, moves, session } = await decide(tx);
      if (!('row' in decision)) return decision;
      const { row, answer } = decision;
      if (session) await writeSession(tx, session, session.set);
      if (moves) {
        await writeHome(tx, row);
        await audit(tx, `hfs ${hfs}`, `home ${answer.action}`, `${row.login} ${describeHome(row)}`);
      }
      return decision;
    });
  };

  const openAs = async <T>(login: string, hfs: number, choose: Choose<T>) => {
    let asked: number | undefined;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const result = await inOrder(login, () => step(login, hfs, asked, choose));
      if ('answer' in result) return result;
      // Not in order: what it waits for is that server's finish_move or abort_move.
      asked = result.settle.target_epoch;
      const { name } = result;
      await ask(result.settle.hfs, 'settle', { login: name }, SETTLE_MS).catch((error: unknown) =>
        log.warn(
          { login: name, ...result.settle, error: asProloError(error).message },
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

  /** One thing at a time for each person, whichever of their homes. */
  const alone = <T>(name: string, work: () => Promise<T>): Promise<T> => inOrder(ownerOf(name), work);

  return {
    ask,
    async open(login, hfs, ip) {
      const {
        value: seat,
        owner,
        row,
        answer,
      } = await openAs<Seat>(login, hfs, async (tx, owner) => {
        const seat = checkSeat(login, ip, await findWhereabouts(tx, login, ip), config.bind);
        const facts = await readSetFacts(tx, config, owner);
        const set = setOfSession(facts, Date.now());
        const { session, given } = facts;
        const isNew = session && !(given && isSameSession(session, given));
        return {
          name: homeName({ login, set }),
          value: seat,
          ...(isNew ? { session: { ...session, set } } : {}),
        };
      });
      return { ...owner, login: row.login, seat, size_bytes: row.size_bytes, ...answer };
    },
    async decide(name, hfs, check) {
      const { owner, row, answer } = await openAs(ownerOf(name), hfs, async (tx) => ({
        name,
        value: await check(tx),
      }));
      return { ...answer, owner: { ...owner, size_bytes: row.size_bytes } };
    },
    created: (claim) => alone(claim.login, () => claimed(claim, (row) => decideCreated(row, claim, now()))),
    finishMove: (claim) =>
      alone(claim.login, async () => {
        const { login, hfs, epoch } = claim;
        const before = await findHome(store.knex, login);
        if (!decideFinish(before, claim, now())) return;
        await ask(before!.hfs, 'end_source', { login, epoch: before!.epoch, target_epoch: epoch });
        await claimed(claim, (row) => decideFinish(row, claim, now()));
        log.info({ login, from: before!.hfs, to: hfs, epoch }, 'home: has moved');
      }),
    abortMove: (claim) =>
      alone(claim.login, async () => {
        await claimed(claim, (row) => row && decideAbort(row, claim, now()));
        return mustFindHome(store.knex, claim.login);
      }),
    list: (hfs) => listHomes(store.knex, hfs),
    alone,
    update: (name, work) => alone(name, () => transact(store, work)),
  };
}
