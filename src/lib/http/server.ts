import {
  createServer as createHttpServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type RequestListener,
  type Server as HttpServer,
} from 'node:http';
import type { Socket } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { collectDefaultMetrics, Counter, Registry } from 'prom-client';
import { asProloError, ProloError } from '../errors.ts';
import { type ServiceName, servicePort } from '../site/site.ts';
import { allowedNetworks, createAccess } from './access.ts';
import { clientIp } from './client-ip.ts';
import type { DaemonContext, RunningDaemon } from './daemon.ts';
import { ownVersion } from '../package-root.ts';
import { keepTickShape } from './tick-shape.ts';

export interface Server {
  app: FastifyInstance;
  metrics: Registry;
  /** Listens on every address of `bind`, at the service's port, unless told otherwise. */
  start(onClose?: () => Promise<void> | void): Promise<RunningDaemon>;
}

const TIMEOUTS = { requestTimeout: 30_000, keepAliveTimeout: 30_000 };

export interface ServerOptions {
  /** Also let aliens in: only netboot does. */
  aliens?: boolean;
  bodyLimitBytes?: number;
  /** Where it listens, unless on every address of `bind` at the service's port. */
  listen?: { host: string; port: number };
  /** What a path that is no URL, or too long, is answered with, as status 200; without it the status says so. */
  onBadPath?(): string;
  /**
   * Answers a GET with a plain text before the router sees it, or leaves it to the router with undefined: for what all
   * machines of a site ask at once. The answer is ASCII.
   */
  front?(url: string, ip: string, headers: IncomingHttpHeaders): string | FrontAnswer | undefined;
  /** Who may speak is decided by the peer, also where that is a proxy: for who is asked about somebody else. */
  byPeer?: boolean;
}

export interface FrontAnswer {
  status: number;
  headers: OutgoingHttpHeaders;
  text: string;
}

/**
 * The server every daemon starts from: ping, metrics, who may speak, body limits, errors as texts, and a close that does
 * not wait for open feeds.
 */
export function createServer(
  context: DaemonContext,
  service: ServiceName,
  options: ServerOptions = {},
): Server {
  keepTickShape();
  const { site, log } = context;
  const allowed = createAccess(allowedNetworks(site.config, options.aliens ?? false));
  const answered = new Map<number, number>();
  const count = (status: number): void => void answered.set(status, (answered.get(status) ?? 0) + 1);
  const listener = (route: RequestListener): RequestListener =>
    fromWhom(options.front ? inFront(options.front.bind(options), allowed, count, route) : route, options);
  const app = Fastify({
    serverFactory: (route) => createHttpServer(TIMEOUTS, listener(route)),
    logger: false,
    trustProxy: true, // the header that `fromWhom` writes
    bodyLimit: options.bodyLimitBytes ?? 1024 * 1024,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: false, maxParamLength: 200 },
    exposeHeadRoutes: false,
    // A path that is no URL, or too long: fastify asks no handler of errors, and its own text repeats the whole of it.
    frameworkErrors({ statusCode }, request, reply) {
      const plain = reply as FastifyReply;
      if (options.onBadPath)
        return void plain.code(200).type('text/plain; charset=utf-8').send(options.onBadPath());
      const error = Object.assign(new Error(`${service}: the path is no URL, or too long`), { statusCode });
      sendError(context, service, error, request, plain);
    },
  });
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  new Counter({
    name: 'prolo_http_requests_total',
    help: 'Requests by status',
    labelNames: ['status'],
    registers: [metrics],
    collect() {
      this.reset();
      for (const [status, requests] of answered) this.inc({ status }, requests);
    },
  });
  const sockets = new Set<Socket>();
  const extras: HttpServer[] = [];
  const track = (socket: Socket): void => {
    sockets.add(socket.setKeepAlive(true, 15_000));
    socket.on('close', () => sockets.delete(socket));
  };
  app.server.on('connection', track);
  app.addHook('onClose', async () => extras.forEach((extra) => extra.close()));

  // Both run for every request: callbacks, since a promise each costs a tenth of it.
  app.addHook('onRequest', (request, _reply, done) => {
    if (allowed(request.ip)) done();
    else done(new ProloError('forbidden', `${service}: ${request.ip} may not speak to this service`));
  });
  app.addHook('onResponse', (_request, reply, done) => {
    count(reply.statusCode);
    done();
  });
  app.setErrorHandler((error, request, reply) => sendError(context, service, error, request, reply));
  app.setNotFoundHandler(
    (request, reply) =>
      void reply
        .code(404)
        .type('text/plain')
        .send(`${service}: no such path: ${request.method} ${request.url.slice(0, 200)}\n`),
  );
  app.get('/__ping', (_request, reply) =>
    reply.type('text/plain').header('x-prolo-version', ownVersion()).send('pong'),
  );
  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.metrics()),
  );

  return {
    app,
    metrics,
    async start(onClose) {
      const port = options.listen?.port ?? servicePort(site.config, service);
      const hosts = options.listen ? [options.listen.host] : site.config.bind;
      const [first = '127.0.0.1', ...rest] = hosts;
      try {
        await app.listen({ host: first, port });
        for (const host of rest) {
          const extra = await listenToo(
            listener((request, response) => app.routing(request, response)),
            host,
            port,
          );
          extras.push(extra.on('connection', track));
        }
      } catch (error) {
        await app.close();
        throw new ProloError(
          'unavailable',
          `${service}: cannot listen on ${hosts.join(', ')} port ${port}: ${(error as Error).message}`,
          {
            hint: 'another program has that port, or the address is not up; see `bind`, `portBase` and `hfs.url` in prolo.yml',
            cause: error,
          },
        );
      }
      log.info({ service, port }, 'listening');
      return {
        url: `http://${first}:${port}`,
        async close() {
          await onClose?.();
          for (const socket of sockets) socket.destroy();
          await app.close();
        },
      };
    },
  };
}

/** The same routes on one more address. */
function listenToo(listener: RequestListener, host: string, port: number): Promise<HttpServer> {
  const extra = createHttpServer(TIMEOUTS, listener);
  return new Promise((resolve, reject) =>
    extra.once('error', reject).listen(port, host, () => resolve(extra)),
  );
}

/** Writes who asks into the one header that fastify reads it from, whatever the caller wrote there. */
function fromWhom(route: RequestListener, { byPeer }: ServerOptions): RequestListener {
  return (request, response) => {
    const { headers, socket } = request;
    const realIp = byPeer ? undefined : headers['x-real-ip'];
    headers['x-forwarded-for'] = clientIp(socket.remoteAddress ?? '', realIp);
    return route(request, response);
  };
}

function inFront(
  front: NonNullable<ServerOptions['front']>,
  allowed: (ip: string) => boolean,
  count: (status: number) => void,
  route: RequestListener,
): RequestListener {
  return (request, response) => {
    const ip = request.headers['x-forwarded-for'] as string;
    let answer: string | FrontAnswer | undefined;
    try {
      if (request.method === 'GET' && allowed(ip)) answer = front(request.url ?? '', ip, request.headers);
    } catch {
      // the router meets the same trouble, and says so
    }
    if (answer === undefined) return route(request, response);
    const { status, headers, text } =
      typeof answer === 'string' ? { status: 200, headers: {}, text: answer } : answer;
    count(status);
    response.writeHead(status, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': text.length,
      ...headers,
    });
    response.end(text, 'latin1');
  };
}

function sendError(
  context: DaemonContext,
  service: ServiceName,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const status = (error as { statusCode?: number }).statusCode;
  const known = asProloError(error);
  const code = error instanceof ProloError || status === undefined ? known.httpStatus : status;
  const details = {
    service,
    method: request.method,
    url: request.url.split('?')[0]!.slice(0, 200), // behind it may be a token, good for another while
    ip: request.ip,
    error: known.message,
  };
  if (code >= 500) context.log.error({ ...details, stack: known.stack }, 'request failed');
  else context.log.info(details, 'request refused');
  void reply.code(code).type('text/plain; charset=utf-8').send(`${known.message}\n`);
}
