import { Counter, Gauge, Histogram } from 'prom-client';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { asProloError, ProloError } from '../lib/errors.ts';
import { createBackupMethods, endLeftSnapshots } from '../lib/hfs/backup/methods.ts';
import { adoptHomes, closeHomes, mendFronts } from '../lib/hfs/watch.ts';
import { settleMove } from '../lib/hfs/fetch.ts';
import { reconcile } from '../lib/hfs/reconcile.ts';
import { createOperatorMethods } from '../lib/hfs/operate.ts';
import { openHome } from '../lib/hfs/serve.ts';
import { createHfs, endHome, type Hfs } from '../lib/hfs/server.ts';
import { listServed } from '../lib/hfs/served.ts';
import { beginSource, endSource } from '../lib/hfs/source.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';
import { createServer } from '../lib/http/server.ts';
import { acceptSignedForms, openSignedForm, type SignedForm } from '../lib/http/signed-form.ts';
import type { RpcMethods } from '../lib/rpc/call.ts';
import { serveRpc } from '../lib/rpc/routes.ts';
import { GROUPS } from '../lib/site/schema.ts';
import { hfsUrl } from '../lib/site/site.ts';

const RECONCILE_MS = 3_000;
const MEND_MS = 500;
const SETTLE_MS = 15_000;

const Login = Type.String({ pattern: '^[a-z_][a-z0-9_-]{0,31}$', description: 'a login' });
const Epoch = Type.Integer({ minimum: 1, description: 'an epoch' });
const Number_ = Type.Integer({ minimum: 0, maximum: 9999, description: "a home file server's number" });
const GetHfs = Type.Object({ user: Login, hfs: Number_, utype: Type.Optional(Type.Enum([...GROUPS])) });

/** One home file server: `prolo daemon hfs@2`. */
export const start: StartDaemon = async (context) => {
  const { site, log, number = 0 } = context;
  const shared = site.secret('hfs.shared');
  const hfs = await createHfs(site, log, number);
  const { port } = new URL(hfsUrl(site.config, number));
  const server = createServer(context, 'hfs', { listen: { host: hfs.host, port: Number(port) || 80 } });
  const { app, metrics } = server;
  const seconds = new Histogram({
    name: 'hfs_get_hfs',
    help: 'Seconds from the request of a home to its port',
    labelNames: ['outcome'],
    registers: [metrics],
  });
  new Gauge({
    name: 'hfs_running_nbd',
    help: 'Homes that are served now',
    registers: [metrics],
    collect() {
      this.set(hfs.running.size);
    },
  });
  const failures = new Counter({
    name: 'prolo_hfs_reconcile_failures_total',
    help: 'How often hfsdb could not be asked or followed',
    registers: [metrics],
  });

  await serveRpc(
    server,
    context,
    { ...createMethods(hfs), ...createBackupMethods(hfs, metrics), ...createOperatorMethods(hfs) },
    {
      title: `HFS ${number}`,
      description: 'A home file server: what hfsdb and other servers ask of it.',
    },
  );
  await app.register((scope, _options, done) => {
    acceptSignedForms(scope);
    scope.route({
      method: ['GET', 'POST'],
      url: '/get_hfs',
      async handler(request, reply) {
        const form = (request.method === 'GET' ? request.query : request.body) as SignedForm | undefined;
        const { user } = readGetHfs(openSignedForm(form, shared, Date.now()), number);
        const stop = seconds.startTimer();
        try {
          const { port: homePort, name } = await openHome(hfs, user, request.ip);
          stop({ outcome: 'ok' });
          return await reply.send({ port: homePort, export: name });
        } catch (error) {
          const { kind, message, hint, httpStatus } = asProloError(error);
          stop({ outcome: kind });
          log.warn({ login: user, ip: request.ip, kind, error: message }, 'home: refused');
          // Two sentences for the person who logs in: what is wrong, and the way out.
          return await reply
            .code(httpStatus)
            .type('text/plain; charset=utf-8')
            .send(`${message}\n${hint ? `${hint}\n` : ''}`);
        }
      },
    });
    done();
  });

  await adoptHomes(hfs);
  await endLeftSnapshots(hfs);
  const emptySince = new Map<string, number>();
  let following: Promise<void> | undefined;
  const follow = (): void => {
    following ??= reconcile(hfs, emptySince)
      .catch((error: unknown) => {
        failures.inc();
        log.warn({ error: asProloError(error).message }, 'hfsdb: cannot be followed now');
      })
      .finally(() => (following = undefined));
  };
  const timer = setInterval(follow, RECONCILE_MS);
  const mending = setInterval(() => void mendFronts(hfs), MEND_MS);
  const stop = async (): Promise<void> => {
    clearInterval(timer);
    clearInterval(mending);
    await closeHomes(hfs, context.keepHomes ?? true);
  };
  try {
    const running = await server.start(stop);
    follow();
    return running;
  } catch (error) {
    await stop();
    throw error;
  }
};

function readGetHfs(text: string, number: number): { user: string } {
  let ask: unknown;
  try {
    ask = JSON.parse(text);
  } catch (cause) {
    throw new ProloError('bad-input', 'get_hfs: data is not JSON', { cause });
  }
  if (!Value.Check(GetHfs, ask)) {
    const [error] = Value.Errors(GetHfs, ask);
    throw new ProloError(
      'bad-input',
      `get_hfs: ${error?.instancePath ?? ''} ${error?.message ?? ''}`.trim(),
      {
        hint: 'expected {"user": LOGIN, "hfs": NUMBER, "utype": "user"|"orga"|"root"}',
      },
    );
  }
  if (ask.hfs !== number)
    throw new ProloError('bad-input', `get_hfs: this is hfs ${number}, not hfs ${ask.hfs}`);
  return ask;
}

function createMethods(hfs: Hfs): RpcMethods {
  const departure = { login: Login, epoch: Epoch, target_epoch: Epoch };
  const secret = 'hfs.control';
  return {
    begin_source: {
      description: 'Serves a home to the server that it moves to, and to nobody else any more.',
      secret,
      params: Type.Object({ ...departure, hfs: Number_ }),
      result: Type.Object({}),
      run(kwargs, { ip }) {
        const { login, epoch, target_epoch } = kwargs as Departure;
        return hfs.locked(login, () =>
          beginSource(hfs, { login, epoch, targetEpoch: target_epoch, peer: ip }),
        );
      },
    },
    end_source: {
      description: 'The durable word that this server serves a home no more.',
      secret,
      params: Type.Object(departure),
      result: Type.Boolean(),
      async run(kwargs) {
        const { login, epoch, target_epoch } = kwargs as Departure;
        await hfs.locked(login, () => endSource(hfs, { login, epoch, targetEpoch: target_epoch }));
        return true;
      },
    },
    settle: {
      description: 'Resolves when no move of a home to here is going on any more.',
      secret,
      params: Type.Object({ login: Login }),
      result: Type.Boolean(),
      async run({ login }) {
        await settleMove(hfs, login as string, SETTLE_MS);
        return true;
      },
    },
    stop: {
      description: 'Ends what serves a home here.',
      secret,
      params: Type.Object({ login: Login }),
      result: Type.Boolean(),
      async run({ login }) {
        await hfs.locked(login as string, () => endHome(hfs, login as string));
        return true;
      },
    },
    served: {
      description: 'The homes on this server, and which of them are served.',
      secret,
      params: Type.Object({}),
      result: Type.Array(Type.Object({})),
      run: () => listServed(hfs, Date.now()),
    },
  };
}

type Departure = { login: string; epoch: number; target_epoch: number };
