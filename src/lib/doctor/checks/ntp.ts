import { ownAddresses } from '../../own-addresses.ts';
import { whyNot } from '../http.ts';
import { askTime, type TimeAnswer } from '../sntp.ts';
import { check, type Finding, green, NotChecked, type Patient, red, yellow } from '../check.ts';

export interface Clock {
  server: string;
  /** This host's own: its offset says nothing. */
  own: boolean;
  answer?: TimeAnswer;
  trouble?: string;
}

const ASK_MS = 2_000;
const YELLOW_MS = 500;
/** Tokens are good for 120 s; logs are hard to read long before. */
const RED_MS = 5_000;

/** The time servers that machines are told of. */
export const ntp = check({
  name: 'ntp',
  subject: 'time servers, and how far this clock is off',
  gather: ({ site, signal }: Patient) => gatherClocks(timeServers(site.config), signal),
  decide(clocks: Clock[]) {
    const found = clocks.flatMap(judge);
    const most = Math.max(...clocks.map(({ answer }) => Math.abs(answer?.offsetMs ?? 0)));
    return found.length > 0
      ? found
      : [green(`${clocks.map(({ server }) => server).join(', ')}: ${most} ms off`)];
  },
});

export async function gatherClocks(
  servers: readonly string[],
  signal: AbortSignal,
  port = 123,
): Promise<Clock[]> {
  if (servers.length === 0)
    throw new NotChecked('no network of machines has a gateway, and dhcp.ntpServers is empty');
  const own = ownAddresses();
  return Promise.all(
    servers.map(async (server): Promise<Clock> => {
      const clock = { server, own: own.has(server) };
      try {
        const answer = await askTime(server, { port, timeoutMs: ASK_MS, signal });
        return answer ? { ...clock, answer } : { ...clock, trouble: `silent for ${ASK_MS / 1000} s` };
      } catch (error) {
        return { ...clock, trouble: whyNot(error, ASK_MS) };
      }
    }),
  );
}

/** As DHCP names them to machines. */
function timeServers({ dhcp, networks }: Patient['site']['config']): string[] {
  if (dhcp.ntpServers.length > 0) return [...dhcp.ntpServers];
  return networks.flatMap(({ role, gateway, dhcp: served }) =>
    role === 'machines' && served && gateway ? [gateway] : [],
  );
}

function judge({ server, answer, trouble }: Clock): Finding[] {
  if (!answer)
    return [red(`time server ${server}: ${trouble}`, 'systemctl restart chrony; prolo install ntp-server')];
  const { offsetMs, stratum } = answer;
  if (stratum === 0 || stratum >= 16)
    return [red(`time server ${server}: it has no time itself`, 'chronyc sources; is the uplink there?')];
  if (Math.abs(offsetMs) < YELLOW_MS) return [];
  const what = `this clock is ${Math.abs(offsetMs) / 1000} s ${offsetMs > 0 ? 'behind' : 'ahead of'} ${server}`;
  return [(Math.abs(offsetMs) >= RED_MS ? red : yellow)(what, 'chronyc makestep')];
}
