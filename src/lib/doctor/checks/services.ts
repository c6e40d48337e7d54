import { aliasList } from '../../mdb/record.ts';
import { hfsUrl, SERVICES, serviceUrl } from '../../site/site.ts';
import { getPage, whyNot } from '../http.ts';
import { check, green, type Patient, red, yellow } from '../check.ts';

export interface Answered {
  /** `mdb`, `hfs@2`. */
  service: string;
  url: string;
  ms: number;
  /** Of prolo, as it runs there; undefined: it does not say. */
  version?: string;
  /** Why it did not answer. */
  trouble?: string;
}

const PING_MS = 3_000;

/** Every daemon that speaks HTTP says `pong`. */
export const services = check({
  name: 'services',
  subject: 'daemons',
  async gather(patient: Patient): Promise<Answered[]> {
    return Promise.all((await placesOf(patient)).map((place) => ping(place, patient.signal)));
  },
  decide(answers: Answered[]) {
    const silent = answers.filter(({ trouble }) => trouble !== undefined);
    const versions = new Set(answers.flatMap(({ version }) => version ?? []));
    return [
      ...silent.map(({ service, url, trouble }) =>
        red(`${service}: ${trouble} (${url})`, `systemctl restart ${unitOf(service)}`),
      ),
      ...(versions.size > 1
        ? [...versions].map((version) => {
            const those = answers.filter((one) => one.version === version).map(({ service }) => service);
            return yellow(`prolo ${version}: ${those.join(', ')}`, `systemctl restart 'prolo-*'`);
          })
        : []),
      ...(silent.length === 0
        ? [
            green(
              `${answers.length} daemons answer${versions.size === 1 ? `, prolo ${[...versions][0]}` : ''}`,
            ),
          ]
        : []),
    ];
  },
});

export function unitOf(service: string): string {
  return `prolo-${service}`;
}

/** Those of the gateway, and every HFS that MDB names or this host runs. */
async function placesOf({ site, mdb }: Patient): Promise<Pick<Answered, 'service' | 'url'>[]> {
  const { config } = site;
  const view = await mdb().catch(() => undefined);
  const numbers = new Set([...config.hfs.up, ...(view ? hfsNumbers([...view.byMac.values()]) : [])]);
  return [
    ...SERVICES.filter((service) => service !== 'hfs').map((service) => ({
      service,
      url: serviceUrl(config, service),
    })),
    ...[...numbers].map((number) => ({ service: `hfs@${number}`, url: hfsUrl(config, number) })),
  ];
}

function hfsNumbers(machines: readonly { hostname: string; aliases: string }[]): number[] {
  return machines
    .flatMap((machine) => [machine.hostname, ...aliasList(machine)])
    .flatMap((name) => /^hfs(\d{1,4})$/.exec(name)?.[1] ?? [])
    .map(Number);
}

async function ping(
  { service, url }: Pick<Answered, 'service' | 'url'>,
  signal: AbortSignal,
): Promise<Answered> {
  const startedMs = performance.now();
  const ms = (): number => Math.round(performance.now() - startedMs);
  try {
    const page = await getPage(`${url}/__ping`, { signal, timeoutMs: PING_MS });
    const version = page.headers['x-prolo-version'];
    const answer = { service, url, ms: ms(), ...(typeof version === 'string' ? { version } : {}) };
    if (page.status === 200 && page.text.trim() === 'pong') return answer;
    return { ...answer, trouble: `something else answers, with status ${page.status}` };
  } catch (error) {
    return { service, url, ms: ms(), trouble: whyNot(error, PING_MS) };
  }
}
