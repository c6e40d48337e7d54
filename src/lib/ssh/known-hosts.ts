import { userInfo } from 'node:os';
import { ProloError } from '../errors.ts';
import type { MachineRecord } from '../mdb/record.ts';
import type { Config } from '../site/schema.ts';
import type { Site } from '../site/site.ts';
import { readFileIfThere, writeFileAtomic } from '../write-file.ts';
import type { HostKeys } from './connect.ts';
import { withFileLock } from '../file-lock.ts';
import { algorithmsOfKey, hostKeyOfSecret } from './host-key.ts';
import { judgeKey, missingKey, type PcKey } from './judge-key.ts';
import {
  idOf,
  type KnownKey,
  mergeKnownKeys,
  otherLines,
  parseKnownHosts,
  renderKnownHosts,
  troubleOfLines,
} from './known-hosts-text.ts';
import type { Target } from './protocol.ts';

/** The keys of the site's machines, for one run. */
export interface KnownHosts extends HostKeys {
  /** What is wrong with the file, in a line; undefined for nothing. */
  trouble: string | undefined;
  /** Writes down the keys that were seen for the first time, and names and addresses that have changed. */
  save(): Promise<void>;
}

export function knownHostsFile(site: Site): string {
  return site.statePath('ssh/known_hosts');
}

/** What is recorded. */
export async function knownKeys(site: Site): Promise<KnownKey[]> {
  return parseKnownHosts(await textOfFile(site));
}

async function textOfFile(site: Site): Promise<string> {
  return (await readFileIfThere(knownHostsFile(site))) ?? '';
}

/** Writes it whole. @param text as it is now: what is not ours stays */
async function writeKeys(site: Site, text: string, keys: readonly KnownKey[]): Promise<void> {
  const others = otherLines(text).map(({ line }) => line);
  await writeFileAtomic(knownHostsFile(site), renderKnownHosts(keys, others), 0o600);
}

/** @throws ProloError `config` where PCs share a key of a secret that is not there */
export async function readKnownHosts(site: Site): Promise<KnownHosts> {
  const file = knownHostsFile(site);
  const pcKey = pcKeyOf(site);
  const text = await textOfFile(site);
  const trouble = troubleOfLines(text);
  const inFile = parseKnownHosts(text);
  const keys = new Map(inFile.map((known) => [idOf(known), known.key]));
  const lines = new Set(inFile.map(textOf));
  const seen = new Map<string, KnownKey>();
  const pcKeyFor = ({ mtype }: Target): PcKey | undefined =>
    pcKey && bootsSiteRoot(site.config, mtype) ? pcKey : undefined;
  return {
    trouble: trouble && `${file}: ${trouble}`,
    algorithmsOf(target) {
      const pc = pcKeyFor(target);
      if (pc?.isDemanded) return algorithmsOfKey(pc.key);
      const known = keys.get(idOf(named(target)));
      if (!known) return [];
      return [...new Set([known, ...(pc ? [pc.key] : [])].flatMap(algorithmsOfKey))];
    },
    check: (target, shown) =>
      judgeKey({
        hostname: target.hostname,
        known: keys.get(idOf(named(target))),
        pc: pcKeyFor(target),
        shown,
      }),
    missing: (target) =>
      missingKey({ hostname: target.hostname, known: keys.get(idOf(named(target))), pc: pcKeyFor(target) }),
    seen(target, key) {
      const { hostname, ip, port, mac } = named(target);
      keys.set(idOf({ mac, port }), key);
      seen.set(idOf({ mac, port }), { mac, hostname, ip, port, key });
    },
    async save() {
      const news = [...seen.values()].filter((known) => !lines.has(textOf(known)));
      if (news.length === 0) return;
      await withFileLock(file, async () => {
        const textNow = await textOfFile(site);
        const now = parseKnownHosts(textNow);
        await writeKeys(site, textNow, mergeKnownKeys(now, agreed(now, news, pcKey)));
      });
      for (const known of news) lines.add(textOf(known));
    },
  };
}

/**
 * Writes the file anew, from MDB: names and addresses as they are now, nothing of machines that are gone, and the PCs' key for each
 * of them where they share it.
 * @param keep whether a machine's key stays
 * @returns what it holds
 */
export async function rewriteKnownHosts(
  site: Site,
  machines: readonly MachineRecord[],
  keep: (known: KnownKey) => boolean = () => true,
): Promise<KnownKey[]> {
  const file = knownHostsFile(site);
  const pcKey = pcKeyOf(site);
  const { port } = site.config.ssh;
  return withFileLock(file, async () => {
    const text = await textOfFile(site);
    const recorded = parseKnownHosts(text).filter(keep);
    const all = machines.flatMap(({ hostname, ip, mac, mtype }): KnownKey[] =>
      pcKey?.isDemanded && bootsSiteRoot(site.config, mtype)
        ? [{ mac, hostname, ip, port, key: pcKey.key }]
        : recorded.filter((known) => known.mac === mac).map((known) => ({ ...known, hostname, ip })),
    );
    const keys = mergeKnownKeys([], all);
    await writeKeys(site, text, keys);
    return keys;
  });
}

/** Machines that boot what contestants' PCs boot show the key that is in it. */
function bootsSiteRoot({ netboot: { boots } }: Config, mtype: MachineRecord['mtype']): boolean {
  return boots[mtype] === boots.user;
}

/** @throws ProloError `config` where it is demanded of PCs and the site has no such secret, or where that is no key */
function pcKeyOf(site: Site): PcKey | undefined {
  const isDemanded = site.config.ssh.pcKey === 'shared';
  const secret = isDemanded ? pcSecret(site) : secretIfThere(site);
  return secret === undefined ? undefined : { key: hostKeyOfSecret(secret).publicKey, isDemanded };
}

/** @throws ProloError `config` where the site was made before there was such a secret */
export function pcSecret(site: Site): string {
  const secret = secretIfThere(site);
  if (secret !== undefined) return secret;
  throw new ProloError(
    'config',
    `secrets.yml: ssh.pcs: not there, or not for ${userInfo().username} to read`,
    {
      hint: 'add to it what `echo "ssh.pcs: $(openssl rand -hex 32)"` prints; the gateway has it',
    },
  );
}

function secretIfThere(site: Site): string | undefined {
  try {
    return site.secret('ssh.pcs');
  } catch {
    return undefined; // machines whose keys are their own need none
  }
}

/** Of two runs that saw a machine for the first time, the first to write is believed; the next run of the other says the rest. */
function agreed(
  inFile: readonly KnownKey[],
  news: readonly KnownKey[],
  pcKey: PcKey | undefined,
): KnownKey[] {
  const written = new Map(inFile.map((known) => [idOf(known), known.key]));
  return news.map((known) => {
    const key = pcKey?.key.equals(known.key) ? known.key : written.get(idOf(known));
    return { ...known, key: key ?? known.key };
  });
}

/** A machine whose MAC nobody told us is known by its name. */
function named({ hostname, ip, port, mac = hostname }: Target): Omit<KnownKey, 'key'> {
  return { hostname, ip, port, mac };
}

function textOf(known: KnownKey): string {
  return renderKnownHosts([known]);
}
