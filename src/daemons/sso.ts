import { followFeed } from '../lib/feed/client.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';
import { createServer } from '../lib/http/server.ts';
import { serviceUrl } from '../lib/site/site.ts';
import { type Seats, whoIsAt } from '../lib/sso/who.ts';

/** Tells nginx who sits at the address that asks it for a page: its `auth_request`, `templates/nginx/sso`. */
export const start: StartDaemon = async (context) => {
  const { site, log } = context;
  const { config } = site;
  const seats: Seats = {
    hostnames: undefined,
    logins: undefined,
    overrides: new Map(Object.entries(config.sso.overrides)),
  };
  const server = createServer(context, 'sso', {
    byPeer: true,
    front(url, _ip, headers) {
      if (url !== '/') return undefined;
      const realIp = headers['x-real-ip'];
      const { status, login } = whoIsAt(seats, typeof realIp === 'string' ? realIp : undefined);
      return {
        status: realIp ? 200 : 400,
        headers: { 'x-sso-status': status, ...(login === undefined ? {} : { 'x-sso-user': login }) },
        text: `${status}\n`,
      };
    },
  });
  const ended = new AbortController();
  const follow = <R extends object>(
    service: 'mdbsync' | 'presencesync',
    pk: string,
    onLine: (state: ReadonlyMap<string, R>) => void,
  ): Promise<void> =>
    followFeed<R>({
      url: serviceUrl(config, service),
      secret: site.secret(`${service}.subscribe`),
      pk,
      onLine,
      signal: ended.signal,
      log,
    });
  const following = [
    follow<{ ip: string; hostname: string }>('mdbsync', 'mac', (machines) => {
      seats.hostnames = new Map(Array.from(machines.values(), ({ ip, hostname }) => [ip, hostname]));
    }),
    follow<{ login: string; hostname: string }>('presencesync', 'login', (sessions) => {
      seats.logins = new Map(Array.from(sessions.values(), ({ login, hostname }) => [hostname, login]));
    }),
  ];
  const close = async (): Promise<void> => {
    ended.abort();
    await Promise.all(following);
  };
  return server.start(close).catch(async (error: unknown) => {
    await close();
    throw error;
  });
};
