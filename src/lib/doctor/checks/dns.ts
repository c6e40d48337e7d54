import { Resolver } from 'node:dns/promises';
import { formatIp } from '../../net.ts';
import { foldNodeset } from '../../nodeset.ts';
import type { DnsMachine } from '../../dns/hosts.ts';
import { planDns } from '../../dns/plan.ts';
import { check, type Finding, green, type Patient, red } from '../check.ts';

interface Answer {
  /** A name, or an address. */
  asked: string;
  wanted: string;
  /** What named says; with `trouble`, nothing. */
  got: string[];
  trouble?: string;
}

interface Facts {
  server: string;
  /** Why nothing was asked: named does not answer at all. */
  trouble?: string;
  forward: Answer[];
  reverse: Answer[];
  machines: number;
}

const QUERY_MS = 1_500;

/** Every machine's names and address, each asked of the site's own named. */
export const dns = check({
  name: 'dns',
  subject: 'DNS, both ways, of every machine',
  async gather({ site, mdb, signal }: Patient): Promise<Facts> {
    const { config } = site;
    const machines: DnsMachine[] = [...(await mdb()).byMac.values()];
    const server = `${config.dns.listen[0] ?? '127.0.0.1'}:${config.dns.port}`;
    const zones = planDns(config, machines).views.find(({ name }) => name === 'normal')!.zones;
    const resolver = new Resolver({ timeout: QUERY_MS, tries: 2 });
    resolver.setServers([server]);
    signal.addEventListener('abort', () => resolver.cancel());
    const facts = { server, forward: [], reverse: [], machines: machines.length };
    const trouble = await silent(resolver, config.domain);
    if (trouble) return { ...facts, trouble };
    const ask = async (
      asked: string,
      wanted: string,
      query: (name: string) => Promise<string[]>,
    ): Promise<Answer> => {
      try {
        return { asked, wanted, got: await query(asked) };
      } catch (error) {
        return { asked, wanted, got: [], trouble: (error as NodeJS.ErrnoException).code ?? String(error) };
      }
    };
    const [first, ...others] = zones;
    const [forward, reverse] = await Promise.all([
      Promise.all(
        first!.records
          .filter(({ owner }) => owner.startsWith('machine '))
          .map(({ name, data }) => ask(`${name}.${config.domain}`, data, (it) => resolver.resolve4(it))),
      ),
      Promise.all(
        others.flatMap(({ origin, records }) =>
          records
            .filter(({ owner }) => owner.startsWith('machine '))
            .map(({ name, data }) => ask(addressOf(`${name}.${origin}`), data, (it) => resolver.reverse(it))),
        ),
      ),
    ]);
    return { ...facts, forward, reverse };
  },
  decide({ server, trouble, forward, reverse, machines }: Facts) {
    if (trouble)
      return [red(`named at ${server}: ${trouble}`, 'systemctl restart named; journalctl -u named')];
    const found = [
      ...mistakes(forward, server, ({ asked }) => asked.split('.')[0]!, 'no address'),
      ...mistakes(reverse, server, ({ wanted }) => wanted.split('.')[0]!, 'no reverse name'),
    ];
    return found.length > 0
      ? found
      : [green(`${forward.length} names and ${reverse.length} addresses of ${machines} machines`)];
  },
});

/** Machines that fail alike are one line. */
function mistakes(
  answers: readonly Answer[],
  server: string,
  nameOf: (answer: Answer) => string,
  none: string,
): Finding[] {
  const fix = 'systemctl restart prolo-mdbdns named; journalctl -u prolo-mdbdns';
  const kinds = new Map<string, string[]>();
  for (const answer of answers) {
    const { got, wanted, trouble } = answer;
    if (!trouble && got.length === 1 && got[0] === wanted) continue;
    const why = trouble ? `${none} (${trouble})` : `named says ${got.join(', ')} in place of ${wanted}`;
    kinds.set(why, [...(kinds.get(why) ?? []), nameOf(answer)]);
  }
  return [...kinds].map(([why, names]) =>
    red(
      `${names.length > 1 ? `${names.length} names: ` : ''}${foldNodeset(names)}: ${why} at ${server}`,
      fix,
    ),
  );
}

/** That it has no such record is an answer too. */
async function silent(resolver: Resolver, domain: string): Promise<string | undefined> {
  try {
    await resolver.resolveSoa(domain);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ECONNREFUSED') return 'not running';
    if (code === 'ETIMEOUT') return `silent for ${(2 * QUERY_MS) / 1000} s`;
    if (code === 'EREFUSED') return `it does not answer this host`;
  }
  return undefined;
}

/** `5.0.168.192.in-addr.arpa` as `192.168.0.5`. */
function addressOf(name: string): string {
  const parts = name
    .replace(/\.in-addr\.arpa$/, '')
    .split('.')
    .reverse()
    .map(Number);
  return formatIp(parts.reduce((value, part) => value * 256 + part, 0));
}
