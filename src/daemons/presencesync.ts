import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { serveFeed } from '../lib/feed/serve.ts';
import { badToken, openSignedForm, type SignedForm } from '../lib/http/signed-form.ts';
import type { DaemonContext, StartDaemon } from '../lib/http/daemon.ts';
import type { Server } from '../lib/http/server.ts';
import { createMetrics } from '../lib/presence/metrics.ts';
import { parsePair } from '../lib/presence/request.ts';
import { openPresence, type Presence } from '../lib/presence/service.ts';
import type { Verb } from '../lib/presence/state.ts';
import { listPresence } from '../lib/presence/table.ts';
import { checkToken } from '../lib/rpc/token.ts';
import type { Site } from '../lib/site/site.ts';
import type { Store } from '../lib/store/store.ts';

/** Who is logged on where: decides, writes it down, and tells those who listen. */
export const start: StartDaemon = (context) =>
  serveFeed(context, {
    service: 'presencesync',
    feed: 'presence',
    pk: 'login',
    record: Type.Object({ login: Type.String(), hostname: Type.String() }),
    read: async (tx) => (await listPresence(tx)).map(({ login, hostname }) => ({ login, hostname })),
    extend: (server, store) => extend(context, server, store),
  });

async function extend({ site, log }: DaemonContext, server: Server, store: Store) {
  const metrics = createMetrics(server.metrics, () => presence.ledger.state.byLogin.size);
  const presence = await openPresence(site, store, log, metrics.count);
  addRoutes(server, site, presence, (reason, login) =>
    metrics.refused(reason, presence.isUser(login) ? login : ''),
  );
  return { onChange: presence.ledger.saw, stop: () => presence.stop() };
}

/** SADM's statuses of a refusal. */
const REFUSED: Record<Verb, number> = { login: 423, heartbeat: 423, logout: 500 };

function addRoutes(
  { app }: Server,
  site: Site,
  presence: Presence,
  onRefusedLogin: (reason: string, login: string) => void,
): void {
  const publishSecret = site.secret('presencesync.publish');
  const subscribeSecret = site.secret('presencesync.subscribe');
  const open = (body: unknown): string =>
    openSignedForm(body as SignedForm | undefined, publishSecret, Date.now());

  for (const verb of ['login', 'logout', 'heartbeat'] as const)
    app.post(`/${verb}`, async ({ body, ip }, reply) => {
      const pair = parsePair(open(body));
      const refusal = await presence.ask(verb, pair, ip);
      if (!refusal) return ok(reply);
      if (verb === 'login') onRefusedLogin(refusal.reason, pair.login);
      const status = refusal.reason === 'wrong_address' ? 403 : REFUSED[verb];
      return reply.code(status).type('text/plain; charset=utf-8').send(refusal.text);
    });

  app.post('/remove_expired', async ({ body }, reply) => {
    open(body);
    await presence.removeExpired();
    return ok(reply);
  });

  app.get('/get_list', (request, reply) => {
    const { data, hmac } = request.query as SignedForm;
    if (typeof data !== 'string' || !checkToken(hmac, subscribeSecret, data, Date.now())) throw badToken();
    const list = Object.fromEntries(
      Array.from(presence.ledger.state.byLogin.values(), ({ login, hostname }) => [login, hostname]),
    );
    return reply.type('application/json').send(JSON.stringify(list));
  });
}

function ok(reply: FastifyReply): FastifyReply {
  return reply.type('text/plain').send('ok\n');
}
