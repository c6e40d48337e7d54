import { mkdir } from 'node:fs/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { asProloError, ProloError } from '../lib/errors.ts';
import { allowedNetworks, isAllowed } from '../lib/http/access.ts';
import type { DaemonContext, StartDaemon } from '../lib/http/daemon.ts';
import { createRateLimit } from '../lib/http/rate-limit.ts';
import { createServer } from '../lib/http/server.ts';
import { registerMachine } from '../lib/mdb/machines.ts';
import { registrationIsOpen } from '../lib/mdb/settings.ts';
import { listSwitches } from '../lib/mdb/switches.ts';
import { normalizeMac } from '../lib/mdb/validate.ts';
import { type Booter, createBooter } from '../lib/netboot/booter.ts';
import { stageOfFile, staysInside } from '../lib/netboot/files.ts';
import { followMdb, type MdbFollower } from '../lib/netboot/follow-mdb.ts';
import { parseRegistration } from '../lib/netboot/registration.ts';
import { createReach } from '../lib/netboot/reach.ts';
import { remembered } from '../lib/netboot/remembered.ts';
import { renderBootstrap, renderRefusal, renderRegistered, renderSwitches } from '../lib/netboot/script.ts';
import { createStageHub, type StageHub } from '../lib/netboot/stage-hub.ts';
import { watchLeases } from '../lib/netboot/watch-leases.ts';
import type { Store } from '../lib/store/store.ts';

interface Parts {
  context: DaemonContext;
  store: Store;
  mdb: MdbFollower;
  stages: StageHub;
  booter: Booter;
}

/** Tells machines what to boot, registers those that MDB does not know, serves kernels, and says how far each one is. */
export const start: StartDaemon = async (context) => {
  const { site, log } = context;
  const store = await context.store();
  const mdb = await followMdb(store, site.config.feed.pollMs, log);
  const stages = await createStageHub({
    config: site.config,
    hostnameOf: (mac) => mdb.view().byMac.get(mac)?.hostname,
    file: site.statePath('netboot-stages.json'),
    log,
  });
  const ended = new AbortController();
  const leases = watchLeases(site, (event) => stages.on(event), ended.signal, log);
  const close = async (): Promise<void> => {
    ended.abort();
    await Promise.all([leases, mdb.stop()]);
    await stages.close();
  };
  try {
    const booter = createBooter(
      site.config,
      store,
      () => mdb.view(),
      (event) => stages.on(event),
    );
    const server = createServer(context, 'netboot', {
      aliens: true,
      front: booter.usual,
      onBadPath: () => renderRefusal(site.config, 'netboot', 'the path is no URL, or too long'),
    });
    const parts = { context, store, mdb, stages, booter };
    await server.app.register(async (app) => scripts(app, parts));
    await server.app.register(async (app) => files(app, parts));
    await server.app.register(async (app) => watching(app, parts));
    return await server.start(close);
  } catch (error) {
    await close();
    throw error;
  }
};

/** All that iPXE asks for: a script whatever happens, always with status 200, since iPXE shows no error's text. */
function scripts(app: FastifyInstance, { context, store, booter }: Parts): void {
  const { site, log } = context;
  const { config } = site;
  const facts = remembered(async () => {
    const [switches, registration] = await Promise.all([
      listSwitches(store.knex),
      registrationIsOpen(store.knex, new Date()),
    ]);
    return { switches, registration };
  }, 1000);
  const reach = createReach(config);
  const rate = createRateLimit(config.netboot.registrationsPerMinute);

  app.setErrorHandler((error, request, reply) => {
    const known = asProloError(error);
    log.warn({ url: request.url.slice(0, 300), ip: request.ip, error: known.message }, 'netboot: refused');
    const fromMenu = (request.query as Record<string, unknown>).menu === '1';
    return send(reply, renderRefusal(config, 'netboot', known.message, fromMenu));
  });

  app.get('/bootstrap', async (request, reply) =>
    send(reply, renderBootstrap(config, { ...(await facts()), base: reach(request.ip) })),
  );

  app.get('/switches', async (_request, reply) =>
    send(reply, renderSwitches(config, (await facts()).switches)),
  );

  const boot = async (request: BootRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { params, ip, method, query } = request;
    const look = method === 'HEAD';
    return send(reply, await booter.script({ mac: params.mac, ip, look, fromMenu: query.menu === '1' }));
  };
  for (const url of ['/boot/:mac/', '/boot/:mac']) app.route({ method: ['GET', 'HEAD'], url, handler: boot });

  app.get('/register', async (request: FastifyRequest<{ Querystring: Record<string, unknown> }>, reply) => {
    const { ip, query } = request;
    if (!rate.take(ip, Date.now()))
      throw new ProloError('too-many', `registration: too many from ${ip}; wait a minute`);
    const asked = parseRegistration(query);
    log.info({ ip, ...asked }, 'netboot: asked to register');
    const machine = await registerMachine(store, config, `netboot ${ip}`, asked);
    log.info(
      { ip, hostname: machine.hostname, mac: machine.mac, address: machine.ip },
      'netboot: registered',
    );
    return send(reply, renderRegistered(machine));
  });
}

const TEXT = 'text/plain; charset=utf-8';
type BootRequest = FastifyRequest<{ Params: { mac: string }; Querystring: Record<string, unknown> }>;

function send(reply: FastifyReply, script: string): FastifyReply {
  return reply.code(200).header('content-type', TEXT).send(script);
}

/** Kernels and initramfs, with ranges; nothing from outside their folder. */
async function files(app: FastifyInstance, { context, mdb, stages }: Parts): Promise<void> {
  const { site } = context;
  const root = site.statePath(site.config.netboot.filesDir);
  await mkdir(root, { recursive: true });
  const { default: serveStatic } = await import('@fastify/static');
  app.addHook('onRequest', async (request) => {
    const { mac, stage } = request.query as Record<string, unknown>;
    const path = request.url.split('?')[0]!;
    const reached = stageOfFile(path, stage, site.config.netboot);
    const who = mdb.view().byMac.get(normalizeMac(String(mac)) ?? '') ?? mdb.view().byIp.get(request.ip);
    if (reached && who) stages.on({ mac: who.mac, stage: reached, atMs: Date.now(), ip: request.ip });
  });
  await app.register(serveStatic, {
    root,
    prefix: '/files/',
    dotfiles: 'deny',
    index: false,
    decorateReply: false,
    cacheControl: false,
    allowedPath: (path) => staysInside(root, path),
  });
}

/** Who is how far: for people and for the page before the doors open. Aliens may boot, not look. */
function watching(app: FastifyInstance, { context, mdb, stages }: Parts): void {
  const insiders = allowedNetworks(context.site.config, false);
  const inside = async (request: FastifyRequest): Promise<void> => {
    if (!isAllowed(insiders, request.ip))
      throw new ProloError('forbidden', `netboot: ${request.ip} may not see this`);
  };

  app.get(
    '/stages',
    { onRequest: inside },
    (request: FastifyRequest<{ Querystring: { follow?: string } }>, reply) => {
      if (request.query.follow !== '1') {
        void reply.send({ at: new Date().toISOString(), machines: stages.reports() });
        return;
      }
      reply.hijack();
      reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson' });
      const write = (line: unknown): void => {
        // Who does not read is dropped: the next one to connect gets the whole state again.
        if (reply.raw.writableLength > 4 * 1024 * 1024) reply.raw.destroy();
        else reply.raw.write(`${JSON.stringify(line)}\n`);
      };
      for (const state of stages.reports()) write(state);
      const stop = stages.subscribe(write);
      reply.raw.on('close', stop);
    },
  );

  const up = async (
    request: FastifyRequest<{ Params: { mac: string } }>,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    const machine = mdb.view().byMac.get(normalizeMac(request.params.mac) ?? '');
    if (!machine) throw new ProloError('not-found', 'netboot: no such machine in MDB');
    if (![machine.ip, '127.0.0.1', '::1'].includes(request.ip.replace(/^::ffff:/, '')))
      throw new ProloError('forbidden', `netboot: ${request.ip} is not ${machine.hostname}`);
    stages.on({ mac: machine.mac, stage: 'up', atMs: Date.now(), ip: machine.ip });
    return reply.type('text/plain').send('ok\n');
  };
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, body, done) =>
    body
      .resume()
      .on('end', () => done(null))
      .on('error', done),
  ); // whatever it is
  app.route({ method: ['GET', 'POST'], url: '/up/:mac', handler: up });
}
