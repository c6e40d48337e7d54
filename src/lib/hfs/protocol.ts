import type { Group } from '../site/schema.ts';

/**
 * What `hfsdb` and the servers say to each other: signed RPC (secret `hfs.control`), snake_case keywords, these answers.
 *
 * hfsdb's row of a home says who owns it, at which epoch. An epoch is a number that is handed out once: the owner's image is
 * `<login>.<epoch>.img`, so what a broken move left behind is never mistaken for a home.
 *
 * A person has one home of each set (`home-name.ts`), and hfsdb alone knows so: in all that is said here `login` is the home's
 * name, `alice` or `alice@contest`, but in `open`, where a person's session asks and the answer names the home that it gets.
 *
 *     hfsdb: open(login, hfs, ip)              Opened: what server `hfs` shall do for the caller at `ip`
 *            created(login, hfs, epoch)        the new image is on disk: now it may be served
 *            finish_move(login, hfs, epoch)    asks the source for its word that its export has ended, then records the new owner
 *            abort_move(login, hfs, epoch)     Home: the move is given up, unless it was finished before; the row says which
 *            homes(hfs)                        HomeStatus[]: all rows that concern that server
 *     hfs N: begin_source(login, epoch, target_epoch, hfs)  Source: ends the client's export, serves the mover alone
 *            end_source(login, epoch, target_epoch)         ends that export, durably; repeated, it says the same
 *            settle(login)                     finishes a move to here, or gives it up; resolves when neither is going on
 *            stop(login)                       ends what serves the home here, if anything does
 *            served()                          ServedHome[]: what is here, on disk and running
 */
export type HomeState = 'creating' | 'here' | 'moving';

/** hfsdb's row. */
export interface Home {
  login: string;
  /** Its owner. */
  hfs: number;
  /** Of the owner's image. */
  epoch: number;
  /** The highest epoch ever handed out for any home of its owner. */
  last_epoch: number;
  state: HomeState;
  /** While it moves: where to, and the epoch it will have there. */
  target: number | null;
  target_epoch: number | null;
  size_bytes: number;
  /** ISO 8601, UTC */
  changed_at: string;
}

/** Where its owner sits. */
export interface Seat {
  hostname: string;
  ip: string;
}

export type HomeStatus = Home & { seat: Seat | null };

interface OpenedFor {
  login: string;
  uid: number;
  gid: number;
  group: Group;
  seat: Seat;
  size_bytes: number;
  /** Of the image that the asking server makes, serves, or fills. */
  epoch: number;
}

/** create: make the image, say `created`, serve. serve: it is here. fetch: serve it at once while it moves here. */
export type Opened = OpenedFor &
  ({ action: 'create' } | { action: 'serve' } | { action: 'fetch'; source: { hfs: number; epoch: number } });

/** Where a mover finds the home it moves. */
export interface Source {
  host: string;
  port: number;
  export: string;
  size_bytes: number;
  /** What it takes on the source's disk. */
  used_bytes: number;
}

/** A home on a server's disk. */
export interface ServedHome {
  login: string;
  epoch: number;
  size_bytes: number;
  used_bytes: number;
  /** stored: on disk only. served: a client can connect. moving: here, while it is served. source: to another server. kept: an old image. */
  state: 'stored' | 'served' | 'moving' | 'source' | 'kept';
  /** The address of the connected client. */
  client: string | null;
  /** Seconds since the image was last written. */
  age_seconds: number;
  /** Of a move: 0 to 1. */
  progress?: number;
}

/** What `check()` says of an image. */
export interface CheckedImage {
  login: string;
  epoch: number;
  /** What runs for it. */
  mode: 'serve' | 'fetch' | 'source' | null;
  /** e2fsck's words, empty when all is well, null when it is in use. */
  fsck: string | null;
}
