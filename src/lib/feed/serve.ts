import type { Socket } from 'node:net';
import type { TObject } from 'typebox';
import { Counter, Gauge } from 'prom-client';
import { ProloError } from '../errors.ts';
import type { DaemonContext, RunningDaemon } from '../http/daemon.ts';
import { createServer, type Server } from '../http/server.ts';
import { acceptSignedForms, badToken, openSignedForm, type SignedForm } from '../http/signed-form.ts';
import { checkToken } from '../rpc/token.ts';
import { type Change, type FeedName, snapshot, type Update } from '../store/change-log.ts';
import { followChanges } from '../store/follow.ts';
import type { Store, Tx } from '../store/store.ts';
import { createHub, type Hub } from './hub.ts';
import { createUpdatesParser } from './updates.ts';

export interface SyncFeed {
  service: 'mdbsync' | 'udbsync' | 'presencesync' | 'rfssync' | 'contestsync';
  feed: FeedName;
  /** The field that names a record. */
  pk: string;
  record: TObject;
  read(tx: Tx): Promise<object[]>;
  /** Puts a publisher's updates into the store, in one transaction; without it there is no `/update`. */
  apply?(store: Store, actor: string, updates: Update<object>[]): Promise<void>;
  /** Others who may listen, to less, and from some addresses only. */
  narrow?(store: Store, onChange: (may: (ip: string) => boolean) => void): Promise<NarrowFeed | undefined>;
  /** Adds what else the service answers, once the feed's state was read. */
  extend?(server: Server, store: Store): Promise<FeedExtension>;
}

export interface FeedExtension {
  /** Hears of each line of the feed, before its subscribers do. */
  onChange(change: Change): void;
  stop(): Promise<void>;
}

/** What is told with a second secret, which many can read. */
export interface NarrowFeed {
  secret: string;
  /** Whether that address may listen now. Who listens already, and may no longer, is cut off at the next `onChange`. */
  may(ip: string): boolean;
  /** What of a record is told. */
  view(data: object): object;
  stop(): Promise<void>;
}

/** A sync feed as a daemon: `/poll` follows the change log, `/update` writes to the store like anybody else. */
export async function serveFeed(context: DaemonContext, spec: SyncFeed): Promise<RunningDaemon> {
  const { site, log } = context;
  const { service, feed, pk } = spec;
  const publishSecret = site.secret(`${service}.publish`);
  const subscribeSecret = site.secret(`${service}.subscribe`);
  const store = await context.store();
  const server = createServer(context, service);
  const { app, metrics, start } = server;
  const dropped = new Counter({
    name: 'prolo_feed_dropped_total',
    help: 'Subscribers dropped because they were too slow',
    registers: [metrics],
  });
  const lines = new Counter({
    name: 'prolo_feed_lines_total',
    help: 'Changes published',
    registers: [metrics],
  });
  const { records, seq } = await snapshot(store, (tx) => spec.read(tx));
  const makeHub = (all: readonly object[]): Hub =>
    createHub({
      pk,
      records: all,
      maxBehindBytes: site.config.feed.maxBehindBytes,
      log,
      onDrop: () => dropped.inc(),
    });
  const hub = makeHub(records);
  const far = new Map<Socket, string>();
  const narrow = await spec.narrow?.(store, (may) => {
    for (const [socket, ip] of far) if (!may(ip)) socket.destroy();
  });
  const narrowHub = narrow && makeHub(records.map((record) => narrow.view(record)));
  const listens = (socket: Socket): boolean => hub.has(socket) || (narrowHub?.has(socket) ?? false);
  new Gauge({
    name: 'prolo_feed_subscribers',
    help: 'Subscribers now',
    registers: [metrics],
    collect() {
      this.set(hub.size + (narrowHub?.size ?? 0));
    },
  });
  new Gauge({
    name: 'prolo_feed_behind_bytes',
    help: 'What waits to be sent to the slowest subscriber',
    registers: [metrics],
    collect() {
      this.set(Math.max(hub.behindBytes, narrowHub?.behindBytes ?? 0));
    },
  });

  const parseUpdates = createUpdatesParser(pk, spec.record);
  acceptSignedForms(app);
  // Whoever listens to a feed that never ends cannot be answered any more on that connection.
  app.addHook('onRequest', (request, reply, done) => {
    if (listens(request.raw.socket)) {
      reply.hijack();
      request.raw.socket.destroy();
    }
    done();
  });
  app.get('/poll', (request, reply) => {
    const { hmac } = request.query as SignedForm;
    const whole = checkToken(hmac, subscribeSecret, 'None', Date.now());
    if (!whole) mayListen(narrow, hmac, request.ip);
    const { socket, httpVersion } = request.raw;
    if (reply.raw.socket !== socket) {
      if (listens(socket)) socket.destroy(); // two at once
      throw new ProloError('bad-input', `${service}: /poll: sent before the last answer was read`);
    }
    reply.hijack();
    reply.raw.writeHead(200, {
      'content-type': 'application/x-ndjson',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no', // nginx passes each line on at once
    });
    reply.raw.flushHeaders();
    if (!whole) {
      far.set(socket, request.ip);
      socket.once('close', () => far.delete(socket));
    }
    (whole ? hub : narrowHub!).subscribe(socket, httpVersion === '1.1');
  });
  if (spec.apply)
    app.post('/update', async (request, reply) => {
      const text = openSignedForm(request.body as SignedForm | undefined, publishSecret, Date.now());
      await spec.apply!(store, `${service}@${request.ip}`, parseUpdates(text));
      return reply.type('text/plain').send('ok\n');
    });

  const extension = await spec.extend?.(server, store);
  const following = await followChanges(store, {
    feed,
    after: seq,
    onChange(change) {
      extension?.onChange(change);
      lines.inc();
      hub.publish(change.updates);
      narrowHub?.publish(change.updates.map(({ type, data }) => ({ type, data: narrow!.view(data) })));
    },
    pollMs: site.config.feed.pollMs,
    log,
  });
  const stop = async (): Promise<void> => {
    await extension?.stop();
    await narrow?.stop();
    await following.stop();
  };
  try {
    return await start(stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

/** @throws ProloError `forbidden` unless the token is of the second secret, and from where that counts */
function mayListen(narrow: NarrowFeed | undefined, hmac: unknown, ip: string): void {
  if (!narrow || !checkToken(hmac, narrow.secret, 'None', Date.now())) throw badToken();
  if (narrow.may(ip)) return;
  throw new ProloError(
    'forbidden',
    `${ip}: MDB knows no seat of that address, and that token is one of a seat`,
  );
}
