import { followService } from '../lib/feed/follow-service.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';
import { createServer } from '../lib/http/server.ts';
import type { MachineRecord } from '../lib/mdb/record.ts';
import { repeat } from '../lib/repeat.ts';
import { findAlive } from '../lib/ssh/alive.ts';
import { drawMap } from '../lib/usermap/draw.ts';
import { seatFacts } from '../lib/usermap/facts.ts';
import { planFile, readPlan } from '../lib/usermap/plan.ts';

const ASK_MS = 20_000;
/** A page in a browser on a wall draws it anew by itself. */
const REFRESH_S = 5;

/** The rooms as an SVG, from the feeds of machines and presence; who answers is asked for now and then. */
export const start: StartDaemon = async (context) => {
  const { site, log } = context;
  const { config } = site;
  let machines: ReadonlyMap<string, MachineRecord> = new Map();
  let logins: ReadonlyMap<string, string> = new Map();
  let alive: ReadonlySet<string> | undefined;
  const server = createServer(context, 'usermap');
  server.app.get('/', async (_request, reply) => {
    const plan = await readPlan(planFile(site));
    const svg = drawMap(seatFacts(plan, { machines: machines.values(), logins, alive }), new Date());
    return reply.type('image/svg+xml; charset=utf-8').header('refresh', String(REFRESH_S)).send(svg);
  });
  const ended = new AbortController();
  const following = [
    followService<MachineRecord>(context, 'mdbsync', ended.signal, (state) => void (machines = state)),
    followService<{ login: string; hostname: string }>(context, 'presencesync', ended.signal, (sessions) => {
      logins = new Map(Array.from(sessions.values(), ({ login, hostname }) => [hostname, login]));
    }),
  ];
  const asking = repeat(
    ASK_MS,
    async () => void (alive = await findAlive([...machines.values()], config.ssh.port)),
    (error) => log.warn({ error: String(error) }, 'nobody was asked whether it answers'),
  );
  const close = async (): Promise<void> => {
    asking.stop();
    ended.abort();
    await Promise.all(following);
  };
  return server.start(close).catch(async (error: unknown) => {
    await close();
    throw error;
  });
};
