import { followService } from '../lib/feed/follow-service.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';
import { createServer } from '../lib/http/server.ts';
import { type Seats, whoIsAt } from '../lib/sso/who.ts';

/** Tells nginx who sits at the address that asks it for a page: its `auth_request`, `templates/nginx/sso`. */
export const start: StartDaemon = async (context) => {
  const { config } = context.site;
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
  const following = [
    followService<{ ip: string; hostname: string }>(context, 'mdbsync', ended.signal, (machines) => {
      seats.hostnames = new Map(Array.from(machines.values(), ({ ip, hostname }) => [ip, hostname]));
    }),
    followService<{ login: string; hostname: string }>(context, 'presencesync', ended.signal, (sessions) => {
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
