import { isIPv4 } from 'node:net';
import { lookup, Resolver } from 'node:dns/promises';
import { check, type Finding, green, red } from '../check.ts';
import { NODES, type Order, type SeatPatient } from './order.ts';

interface Asked {
  what: string;
  /** Of the machine itself: every machine has another. */
  own: boolean;
  wanted: string;
  got: string[];
  trouble?: string;
}

interface Facts {
  servers: string[];
  asked: Asked[];
}

const QUERY_MS = 1_500;
/** Both tries, and a bit. */
const LOOKUP_MS = 4_000;

/** As the machine's own programs ask: through its own resolver. */
export const seatDns = check({
  name: 'dns',
  subject: 'names and addresses, through its own resolver',
  async gather({ order, signal }: SeatPatient): Promise<Facts> {
    const resolver = new Resolver({ timeout: QUERY_MS, tries: 2 });
    signal.addEventListener('abort', () => resolver.cancel());
    const [own] = order.names;
    const asked = await Promise.all([
      ...order.names.map(({ name, ip }, i) => one(name, i === 0, ip, resolver.resolve4(name))),
      ...(own ? [one(order.ip, true, own.name, resolver.reverse(order.ip))] : []),
      ...(order.short ? [byProgram(order.short)] : []),
    ]);
    return { servers: resolver.getServers(), asked };
  },
  decide({ servers, asked }: Facts): Finding[] {
    const through = `through ${servers.join(', ') || 'no server'}`;
    const wrong = asked.filter(
      ({ wanted, got, trouble }) => trouble || got.length !== 1 || got[0] !== wanted,
    );
    if (wrong.length === 0) return [green(`names and addresses, both ways, ${through}`)];
    const fix = `prolo doctor --only dns; prolo pssh ${NODES} -- cat /etc/resolv.conf`;
    if (wrong.length === asked.length && wrong.every(({ trouble }) => trouble))
      return [red(`no name at all ${through} (${wrong[0]!.trouble})`, fix)];
    return wrong.map(({ what, own, wanted, got, trouble }) => {
      const name = !own ? what : isIPv4(wanted) ? 'its own name' : 'its address';
      const why = trouble
        ? `not found (${trouble})`
        : own
          ? 'it is another one’s'
          : `${got.join(', ')}, not ${wanted}`;
      return red(`${name}: ${why}, ${through}`, fix);
    });
  },
});

async function one(what: string, own: boolean, wanted: string, answer: Promise<string[]>): Promise<Asked> {
  try {
    return { what, own, wanted, got: await answer };
  } catch (error) {
    return { what, own, wanted, got: [], trouble: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

/** With the domain that the machine was told of, and what is in its /etc/hosts. */
function byProgram({ name, ip }: NonNullable<Order['short']>): Promise<Asked> {
  const late = new Promise<never>((_, reject) =>
    setTimeout(() => reject(Object.assign(new Error('late'), { code: 'ETIMEOUT' })), LOOKUP_MS).unref(),
  );
  const answer = Promise.race([lookup(name, { family: 4 }), late]).then(({ address }) => [address]);
  return one(name, false, ip, answer);
}
