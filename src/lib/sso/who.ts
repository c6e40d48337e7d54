import { isIPv4 } from 'node:net';

/** What `sso` is asked: who sits at an address. From the feeds alone, so that an answer takes no look-up elsewhere. */
export interface Seats {
  /** Machines of MDB by address; undefined until mdbsync has spoken. */
  hostnames: ReadonlyMap<string, string> | undefined;
  /** Logins by hostname; undefined until presencesync has spoken. */
  logins: ReadonlyMap<string, string> | undefined;
  /** Logins by address that hold whatever the feeds say. */
  overrides: ReadonlyMap<string, string>;
}

export interface Who {
  /** What `X-SSO-Status` says; ASCII. */
  status: string;
  login?: string;
}

/** @param header `X-Real-IP` as it came, undefined where there is none */
export function whoIsAt(seats: Seats, header: string | undefined): Who {
  if (!header) return { status: 'unknown: missing header' };
  const ip = header.replace(/^::ffff:/, '');
  if (!isIPv4(ip)) return { status: 'unknown: unknown IP' };
  const login = seats.overrides.get(ip) ?? loginAt(seats, ip);
  if (login !== undefined) return { status: `working: machine ${ip} has login ${login}`, login };
  return { status: `unknown: ${whyNot(seats, ip)}` };
}

function loginAt({ hostnames, logins }: Seats, ip: string): string | undefined {
  const hostname = hostnames?.get(ip);
  return hostname === undefined ? undefined : logins?.get(hostname);
}

/** SADM's words for what can be wrong, and where the rest of its sentence goes. */
function whyNot({ hostnames, logins }: Seats, ip: string): string {
  if (!hostnames) return 'mdbsync has not spoken yet';
  if (!hostnames.has(ip)) return `unknown IP: machine ${ip} has no login`;
  if (!logins) return 'presencesync has not spoken yet';
  return `logged-out machine: machine ${ip} has no login`;
}
