import { setTimeout as sleep } from 'node:timers/promises';
import { readFacts } from '../../contest/facts.ts';
import { contestPolicy } from '../../contest/internet.ts';
import { phaseAt } from '../../contest/mode.ts';
import { runLight } from '../../exec.ts';
import { allowedAddresses, difference } from '../../firewall/allowed.ts';
import { letThrough, LIST_TABLE } from '../../firewall/ruleset.ts';
import { foldNodeset } from '../../nodeset.ts';
import { check, type Finding, green, NotChecked, type Patient, red } from '../check.ts';

export interface Internet {
  /** Why nftables does not say. */
  trouble?: string;
  allowed: number;
  /** Who is to be let through and is not, and the other way round; by hostname, or address. */
  shut: string[];
  open: string[];
}

/** A login opens it within a moment, or not at all. */
const WAIT_MS = 2_500;

/** Whom nftables lets through to the internet is who may. */
export const firewall = check({
  name: 'firewall',
  subject: 'who reaches the internet is who may',
  async gather({ site, store, mdb, now, signal }: Patient): Promise<Internet> {
    const { byIp } = await mdb();
    const opened = await store().catch((error: Error) => {
      throw new NotChecked(error.message);
    });
    const names = (addresses: string[]): string[] => addresses.map((ip) => byIp.get(ip)?.hostname ?? ip);
    const deadline = performance.now() + WAIT_MS;
    for (;;) {
      const facts = await readFacts(opened, site.config);
      const list = await listSet(site.config.firewall.nft);
      if (list.trouble !== undefined) {
        if (facts.heard.some(({ consumer }) => consumer === 'firewall'))
          return { trouble: list.trouble, allowed: 0, shut: [], open: [] };
        throw new NotChecked(`prolo’s firewall has never run here: ${list.trouble}`);
      }
      const policy = phaseAt(facts.mode, now()) === 'on' ? contestPolicy(site.config) : site.config.firewall;
      const wanted = allowedAddresses(facts.known, policy);
      const { add, remove } = difference(list.set, wanted);
      if (add.length + remove.length === 0 || performance.now() > deadline || signal.aborted)
        return { allowed: wanted.size, shut: names(add), open: names(remove) };
      await sleep(250);
    }
  },
  decide: judgeInternet,
});

export function judgeInternet({ trouble, allowed, shut, open }: Internet): Finding[] {
  const fix = 'systemctl restart prolo-firewall; journalctl -u prolo-firewall';
  if (trouble !== undefined) return [red(`its rules are not loaded: ${trouble}`, fix)];
  const found: Finding[] = [];
  if (open.length > 0) found.push(red(`reaches the internet and may not: ${foldNodeset(open)}`, fix));
  if (shut.length > 0) found.push(red(`may reach the internet and does not: ${foldNodeset(shut)}`, fix));
  return found.length > 0 ? found : [green(`${allowed} addresses reach the internet, as they may`)];
}

async function listSet(
  nft: readonly string[],
): Promise<{ set: Set<string>; trouble?: undefined } | { trouble: string }> {
  try {
    const { exitCode, stdout, stderr } = await runLight([...nft, ...LIST_TABLE], 3_000);
    if (exitCode !== 0) return { trouble: stderr.trim().split('\n')[0] || `nft: status ${exitCode}` };
    return { set: letThrough(stdout) };
  } catch (error) {
    return { trouble: (error as Error).message };
  }
}
