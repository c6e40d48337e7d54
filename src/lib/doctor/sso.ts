import { FEEDS } from '../feed/tail.ts';
import type { MachineRecord } from '../mdb/record.ts';
import { makeToken } from '../rpc/token.ts';
import { serviceUrl } from '../site/site.ts';
import { type Finding, green, type Patient, red, yellow } from './check.ts';
import { getPage, whyNot } from './http.ts';

/** What was found at each link of the chain from an address to a login; what was not come to is undefined. */
export interface SsoFacts {
  ip: string;
  override: string | undefined;
  machine: Pick<MachineRecord, 'hostname'> | undefined;
  /** Who presencesync says sits there; null: nobody. */
  session: string | null | { trouble: string };
  /** What sso says when it is asked directly; its status and the login. */
  sso: { status: string; login: string | undefined } | { trouble: string };
  /** What a page that nginx serves says to who asks from this host, where one was named. */
  page?:
    | { url: string; backend: string | undefined; status: string | undefined }
    | { url: string; trouble: string };
}

const ASK_MS = 3_000;

/** @param page a page that is to know who asks; it is asked from this host */
export async function gatherSso(patient: Patient, ip: string, page?: string): Promise<SsoFacts> {
  const { site, mdb } = patient;
  const machine = (await mdb()).byIp.get(ip);
  const [session, sso, seen] = await Promise.all([
    machine ? sessionAt(patient, machine.hostname) : null,
    askSso(patient, ip),
    page === undefined ? undefined : askPage(patient, page),
  ]);
  const override = site.config.sso.overrides[ip];
  return { ip, override, machine, session, sso, ...(seen ? { page: seen } : {}) };
}

async function sessionAt({ site, signal }: Patient, hostname: string): Promise<SsoFacts['session']> {
  const { service, secret } = FEEDS.presence;
  try {
    const query = new URLSearchParams({ data: '{}', hmac: makeToken(site.secret(secret), '{}', Date.now()) });
    const url = `${serviceUrl(site.config, service)}/get_list?${query}`;
    const { status, text } = await getPage(url, { signal, timeoutMs: ASK_MS, whole: true });
    if (status !== 200) return { trouble: `status ${status}` };
    const list = JSON.parse(text) as Record<string, string>;
    return Object.keys(list).find((login) => list[login] === hostname) ?? null;
  } catch (error) {
    return { trouble: whyNot(error, ASK_MS) };
  }
}

async function askSso({ site, signal }: Patient, ip: string): Promise<SsoFacts['sso']> {
  try {
    const headers = { 'x-real-ip': ip };
    const page = await getPage(`${serviceUrl(site.config, 'sso')}/`, { signal, timeoutMs: ASK_MS, headers });
    const status = header(page.headers, 'x-sso-status');
    if (status === undefined) return { trouble: `something else answers, with status ${page.status}` };
    return { status, login: header(page.headers, 'x-sso-user') };
  } catch (error) {
    return { trouble: whyNot(error, ASK_MS) };
  }
}

async function askPage({ signal }: Patient, url: string): Promise<SsoFacts['page']> {
  try {
    const { headers } = await getPage(url, { signal, timeoutMs: ASK_MS });
    return { url, backend: header(headers, 'x-sso-backend-status'), status: header(headers, 'x-sso-status') };
  } catch (error) {
    return { url, trouble: whyNot(error, ASK_MS) };
  }
}

function header(headers: Record<string, string | string[] | undefined>, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** The links in their order, up to the first that is broken: what comes after it says nothing of its own. */
export function walkSso(facts: SsoFacts): Finding[] {
  const found: Finding[] = [];
  for (const link of [override, known, answers, present, agrees, page])
    for (const finding of link(facts)) {
      found.push(finding);
      if (finding.colour === 'red') return found;
    }
  return found;
}

function override({ ip, override: login }: SsoFacts): Finding[] {
  return login === undefined
    ? []
    : [yellow(`${ip}: sso.overrides in prolo.yml says ${login}, whatever presence says`)];
}

function known({ ip, machine, override: login }: SsoFacts): Finding[] {
  if (machine) return [green(`MDB: ${ip} is ${machine.hostname}`)];
  return login === undefined
    ? [red(`MDB: no machine has the address ${ip}`, `prolo mdb list; prolo mdb set MACHINE --ip ${ip}`)]
    : [];
}

function answers({ sso }: SsoFacts): Finding[] {
  return 'trouble' in sso
    ? [red(`sso: ${sso.trouble}`, 'systemctl restart prolo-sso')]
    : [green(`sso answers: ${sso.status}`)];
}

function present({ machine, session, override: login }: SsoFacts): Finding[] {
  if (login !== undefined || !machine) return [];
  if (session === null)
    return [
      red(
        `presencesync: nobody is logged on at ${machine.hostname}`,
        `log out and in again there; prolo presence list; journalctl -u prolo-presenced, on ${machine.hostname}`,
      ),
    ];
  if (typeof session === 'object')
    return [red(`presencesync: ${session.trouble}`, 'systemctl restart prolo-presencesync')];
  return [green(`presencesync: ${session} is logged on at ${machine.hostname}`)];
}

function agrees({ sso, session, override: login }: SsoFacts): Finding[] {
  const wanted = login ?? (typeof session === 'string' ? session : undefined);
  if ('trouble' in sso || sso.login === wanted) return [];
  const which = /unknown IP|mdbsync/.test(sso.status) ? 'mdbsync' : 'presencesync';
  const what = sso.login === undefined ? `it says ${sso.status}` : `it says ${sso.login}`;
  return [
    red(`sso: ${what}, and not ${wanted}: it hears no more of ${which}`, 'systemctl restart prolo-sso'),
  ];
}

/** SADM's list: what the headers say that a browser sees too. */
function page({ page: seen }: SsoFacts): Finding[] {
  if (!seen) return [];
  const { url } = seen;
  if ('trouble' in seen) return [red(`${url}: ${seen.trouble}`, 'systemctl restart nginx')];
  if (seen.backend === undefined && seen.status === undefined)
    return [
      red(
        `${url}: it says nothing of SSO: its location includes no sso/protect`,
        'include /etc/nginx/sso/protect; in its location, then systemctl reload nginx',
      ),
    ];
  // What sso answers to who names no address.
  if (/status 400|missing header/.test(`${seen.backend} ${seen.status}`))
    return [
      red(
        `${url}: nginx does not tell sso who asks: its server includes no sso/handler`,
        'include /etc/nginx/sso/handler; in its server, then systemctl reload nginx',
      ),
    ];
  if (seen.backend !== 'working')
    return [
      red(`${url}: nginx does not reach sso: ${seen.backend}`, 'prolo install nginx; systemctl reload nginx'),
    ];
  return [
    green(`${url}: nginx asks sso; a page that still knows nobody reads another header than X-SSO-User`),
  ];
}
