import { Type } from 'typebox';
import { strict, text } from './shared.ts';

export const Hfs = Type.Object(
  {
    url: Type.String({
      format: 'prolo-url',
      description:
        'how an HFS is reached, and where it listens; {hfs} is its number, {port} is portBase + 100, {portN} is portBase + 100 + its number',
      default: 'http://hfs{hfs}:{port}',
    }),
    up: Type.Array(Type.Integer({ minimum: 0, maximum: 9999 }), {
      description: 'the HFS that `prolo up` runs on this host',
      default: [],
    }),
    dir: text('where images are, a folder for each HFS; below the state folder or absolute', '/export/hfs'),
    runDir: text(
      "sockets and records of running homes' processes; below the state folder or absolute",
      'run',
    ),
    skeleton: text(
      'what a new home holds, {group} is the group of its owner; beside prolo.yml or absolute',
      '/export/skeleton',
    ),
    ports: Type.String({
      format: 'prolo-ports',
      description: 'TCP ports of homes, FIRST-LAST',
      default: '40000-49999',
    }),
    exportName: Type.Enum(['token', 'login'], {
      description: "login: what SADM's own client asks for; anyone who reaches the port can then guess it",
      default: 'token',
    }),
    firewall: Type.Enum(['auto', 'off'], {
      description: 'auto: where there is nftables, only the seat that a home was given to can reach it',
      default: 'auto',
    }),
    reconnectSeconds: Type.Integer({
      minimum: 1,
      description: 'how long a move waits for a source that died',
      default: 10,
    }),
    movesAtOnce: Type.Integer({ minimum: 1, description: 'of one HFS; logins go first', default: 4 }),
    moveBytesPerSecond: Type.Integer({
      minimum: 0,
      description: 'of one move; 0: as fast as it goes',
      default: 0,
    }),
    retentionHours: Type.Integer({
      minimum: 0,
      description: "how long the old server keeps a moved home's last image",
      default: 24,
    }),
    backup: Type.Object(
      {
        repository: text('of restic, not on an HFS: a path or what restic takes; empty: no backups', ''),
        everyMinutes: Type.Integer({ minimum: 1, description: 'of homes that have changed', default: 10 }),
        bytesPerSecond: Type.Integer({
          minimum: 0,
          description: 'read from a server at most; 0: as fast as it goes',
          default: 50_000_000,
        }),
      },
      { ...strict, default: {} },
    ),
  },
  { ...strict, default: {} },
);
