import { asProloError } from '../lib/errors.ts';
import { createBackupMethods, endLeftSnapshots } from '../lib/hfs/backup/methods.ts';
import { parseGetHfs } from '../lib/hfs/get-hfs.ts';
import { holdPort } from '../lib/hfs/hold-port.ts';
import { createServerMethods } from '../lib/hfs/methods.ts';
import { createMetrics, type HfsMetrics } from '../lib/hfs/metrics.ts';
import { createOperatorMethods } from '../lib/hfs/operate.ts';
import { createNoticed, reconcile } from '../lib/hfs/reconcile.ts';
import { openHome } from '../lib/hfs/serve.ts';
import { createHfs, type Hfs } from '../lib/hfs/server.ts';
import { adoptHomes, closeHomes, mendFronts } from '../lib/hfs/watch.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';
import { createServer, type Server } from '../lib/http/server.ts';
import { acceptSignedForms, openSignedForm, type SignedForm } from '../lib/http/signed-form.ts';
import { repeat } from '../lib/repeat.ts';
import { serveRpc } from '../lib/rpc/routes.ts';
import { hfsUrl } from '../lib/site/site.ts';

const RECONCILE_MS = 3_000;
const MEND_MS = 500;

/** One home file server: `prolo daemon hfs@2`. */
export const start: StartDaemon = async (context) => {
  const { site, log, number = 0, keepHomes = true } = context;
  const hfs = await createHfs(site, log, number);
  const listen = { host: hfs.host, port: Number(new URL(hfsUrl(site.config, number)).port) || 80 };
  const server = createServer(context, 'hfs', { listen });
  const metrics = createMetrics(server.metrics, () => hfs.running.size);
  const methods = {
    ...createServerMethods(hfs),
    ...createBackupMethods(hfs, server.metrics),
    ...createOperatorMethods(hfs),
  };
  await serveRpc(server, context, methods, {
    title: `HFS ${number}`,
    description: 'A home file server: what hfsdb and other servers ask of it.',
  });
  await serveGetHfs(server, hfs, metrics);

  const letGo = await holdPort(`hfs ${number}`, listen.host, listen.port);
  await adoptHomes(hfs);
  await endLeftSnapshots(hfs);
  const noticed = createNoticed();
  const following = repeat(
    RECONCILE_MS,
    () => reconcile(hfs, noticed),
    (error) => {
      metrics.lost();
      log.warn({ error: asProloError(error).message }, 'hfsdb: cannot be followed now');
    },
  );
  const mending = repeat(
    MEND_MS,
    () => mendFronts(hfs),
    (error) => log.error({ error: asProloError(error).message }, 'homes: cannot be mended now'),
  );
  const stop = async (): Promise<void> => {
    following.stop();
    mending.stop();
    await closeHomes(hfs, keepHomes);
  };
  try {
    await letGo();
    const running = await server.start(stop);
    following.now();
    return running;
  } catch (error) {
    await stop();
    throw error;
  }
};

/** What a seat asks at login, signed with a secret that every PC has: who may have the home, hfsdb knows from presence. */
async function serveGetHfs({ app }: Server, hfs: Hfs, metrics: HfsMetrics): Promise<void> {
  const secret = hfs.site.secret('hfs.shared');
  await app.register((scope, _options, done) => {
    acceptSignedForms(scope);
    scope.route({
      method: ['GET', 'POST'],
      url: '/get_hfs',
      async handler({ method, query, body, ip }, reply) {
        const form = (method === 'GET' ? query : body) as SignedForm | undefined;
        const { user } = parseGetHfs(openSignedForm(form, secret, Date.now()), hfs.number);
        const opened = metrics.opening();
        try {
          const { port, name } = await openHome(hfs, user, ip);
          opened('ok');
          return await reply.send({ port, export: name });
        } catch (error) {
          const { kind, message, hint, httpStatus } = asProloError(error);
          opened(kind);
          hfs.log.warn({ login: user, ip, kind, error: message }, 'home: refused');
          // Two sentences for the person who logs in: what is wrong, and the way out.
          const text = `${message}\n${hint ? `${hint}\n` : ''}`;
          return await reply.code(httpStatus).type('text/plain; charset=utf-8').send(text);
        }
      },
    });
    done();
  });
}
