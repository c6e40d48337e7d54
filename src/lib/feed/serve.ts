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
import { createHub } from './hub.ts';
import { createUpdatesParser } from './updates.ts';

export interface SyncFeed {
  service: 'mdbsync' | 'udbsync' | 'presencesync' | 'rfssync';
  feed: FeedName;
  /** The field that names a record. */
  pk: string;
  record: TObject;
  read(tx: Tx): Promise<object[]>;
  /** Puts a publisher's updates into the store, in one transaction; without it there is no `/update`. */
  apply?(store: Store, actor: string, updates: Update<object>[]): Promise<void>;
  /** Adds what else the service answers, once the feed's state was read. */
  extend?(server: Server, store: Store): Promise<FeedExtension>;
}

export interface FeedExtension {
  /** Hears of each line of the feed, before its subscribers do. */
  onChange(change: Change): void;
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
  const hub = createHub({
    pk,
    records,
    maxBehindBytes: site.config.feed.maxBehindBytes,
    log,
    onDrop: () => dropped.inc(),
  });
  new Gauge({
    name: 'prolo_feed_subscribers',
    help: 'Subscribers now',
    registers: [metrics],
    collect() {
      this.set(hub.size);
    },
  });

  const parseUpdates = createUpdatesParser(pk, spec.record);
  acceptSignedForms(app);
  // Whoever listens to a feed that never ends cannot be answered any more on that connection.
  app.addHook('onRequest', (request, reply, done) => {
    if (hub.has(request.raw.socket)) {
      reply.hijack();
      request.raw.socket.destroy();
    }
    done();
  });
  app.get('/poll', (request, reply) => {
    const { hmac } = request.query as SignedForm;
    if (!checkToken(hmac, subscribeSecret, 'None', Date.now())) throw badToken();
    const { socket, httpVersion } = request.raw;
    if (reply.raw.socket !== socket) {
      if (hub.has(socket)) socket.destroy(); // two at once
      throw new ProloError('bad-input', `${service}: /poll: sent before the last answer was read`);
    }
    reply.hijack();
    reply.raw.writeHead(200, {
      'content-type': 'application/x-ndjson',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no', // nginx passes each line on at once
    });
    reply.raw.flushHeaders();
    hub.subscribe(socket, httpVersion === '1.1');
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
    },
    pollMs: site.config.feed.pollMs,
    log,
  });
  const stop = async (): Promise<void> => {
    await extension?.stop();
    await following.stop();
  };
  try {
    return await start(stop);
  } catch (error) {
    await stop();
    throw error;
  }
}
