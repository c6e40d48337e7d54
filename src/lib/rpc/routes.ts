import type { FastifyInstance, FastifyReply } from 'fastify';
import { Histogram } from 'prom-client';
import { asProloError, type ErrorKind, ProloError } from '../errors.ts';
import type { DaemonContext } from '../http/daemon.ts';
import type { Server } from '../http/server.ts';
import { authorizeCall, bindArguments, parseCall, type RpcMethod, type RpcMethods } from './call.ts';
import { describeRaised, describeWhole, RpcException, type WireException } from './exception.ts';
import type { SecretName } from '../site/secrets.ts';
import { describeRpc } from './openapi.ts';

export const RPC_BODY_LIMIT_BYTES = 16 * 1024 * 1024;

/** Who has this secret is a server of the site, or its root. */
const CONTROL: SecretName = 'hfs.control';

/** What is for roots to look at, whoever called. */
const OUR_FAULT: ReadonlySet<ErrorKind> = new Set<ErrorKind>(['failed', 'config', 'unavailable', 'full']);

export interface RpcOptions {
  /** The service's title in its description. */
  title: string;
  description: string;
}

/**
 * `POST /call/<method>`, and a GET as a call without arguments; `/docs` describes them, with a page to try each.
 * @throws ProloError `config` when this host lacks a secret that a method needs
 */
export async function serveRpc(
  { app, metrics }: Server,
  context: DaemonContext,
  methods: RpcMethods,
  options: RpcOptions,
): Promise<void> {
  for (const { secret } of Object.values(methods)) if (secret) context.site.secret(secret);
  const seconds = new Histogram({
    name: 'prolo_rpc_seconds',
    help: 'Duration of calls, by method and outcome',
    labelNames: ['method', 'outcome'],
    registers: [metrics],
  });
  await app.register(async (scope) => {
    acceptAnyBody(scope);
    scope.setErrorHandler((error, request, reply) => {
      context.log.info(
        { url: request.url.slice(0, 200), ip: request.ip, error: String(error) },
        'call refused',
      );
      sendException(reply, describeRefused(error));
    });
    scope.route<{ Params: { name: string } }>({
      method: ['GET', 'POST'],
      url: '/call/:name',
      bodyLimit: RPC_BODY_LIMIT_BYTES,
      async handler(request, reply) {
        const { name } = request.params;
        const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
        const stop = seconds.startTimer({ method: method ? name : '' });
        try {
          const data = await answer(context, name, method, request.body as Buffer | undefined, request.ip);
          stop({ outcome: 'result' });
          return sendJson(reply, 200, { type: 'result', data: data ?? null });
        } catch (thrown) {
          const error = asProloError(thrown);
          const raised = method?.secret === CONTROL ? describeWhole(error) : describeRaised(error);
          stop({ outcome: raised.exnType });
          const details = {
            method: name.slice(0, 60),
            ip: request.ip,
            exn: raised.exnType,
            error: error.message,
          };
          if (OUR_FAULT.has(error.kind)) context.log.error({ ...details, stack: error.stack }, 'call raised');
          else context.log.info(details, 'call refused');
          return sendException(reply, raised);
        }
      },
    });
  });
  await serveDocs(app, describeRpc(options, methods));
}

async function answer(
  context: DaemonContext,
  name: string,
  method: RpcMethod | undefined,
  body: Buffer | undefined,
  ip: string,
): Promise<unknown> {
  const call = parseCall(body);
  if (!method) throw new RpcException('MethodError', `${name.slice(0, 60)}: no such method`);
  if (method.secret) authorizeCall(name, call.hmac, context.site.secret(method.secret), Date.now());
  return method.run(bindArguments(name, method.params, call), { ip });
}

/** SADM's client names no content type, others name a wrong one: none is looked at. */
function acceptAnyBody(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: RPC_BODY_LIMIT_BYTES },
    (_request, body, done) => done(null, body),
  );
  scope.addHook('onRequest', async (request) => {
    request.raw.headers['content-type'] = 'application/octet-stream';
  });
}

/** What kept a request from being a call at all: who asks, or how much. */
function describeRefused(error: unknown): WireException {
  const { statusCode } = error as { statusCode?: number };
  if (statusCode === 413)
    return { status: 413, exnType: 'MalformedRequest', message: 'body: larger than 16 MiB' };
  if (error instanceof ProloError)
    return { status: error.httpStatus, exnType: 'RuntimeError', message: error.message };
  if (statusCode !== undefined && statusCode < 500)
    return { status: statusCode, exnType: 'MalformedRequest', message: (error as Error).message };
  return describeRaised(asProloError(error));
}

function sendException(
  reply: FastifyReply,
  { status, exnType, message, ...more }: WireException,
): FastifyReply {
  return sendJson(reply, status, {
    type: 'exception',
    exn_type: exnType,
    exn_message: message,
    exn_traceback: [],
    ...more,
  });
}

/** Bytes, since for a text fastify would add a charset, and SADM's client compares the whole header. */
function sendJson(reply: FastifyReply, status: number, body: object): FastifyReply {
  return reply
    .code(status)
    .header('content-type', 'application/json')
    .send(Buffer.from(`${JSON.stringify(body)}\n`));
}

async function serveDocs(app: FastifyInstance, document: ReturnType<typeof describeRpc>): Promise<void> {
  const [{ default: swagger }, { default: swaggerUi }] = await Promise.all([
    import('@fastify/swagger'),
    import('@fastify/swagger-ui'),
  ]);
  await app.register(swagger, { mode: 'static', specification: { document } });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    theme: { title: document.info.title },
    uiConfig: { docExpansion: 'list', tryItOutEnabled: true },
  });
}
