import { isAllowed } from '../http/access.ts';
import { normalizeMac } from '../mdb/validate.ts';
import { parseCidr } from '../net.ts';
import type { Config } from '../site/schema.ts';
import type { Store } from '../store/store.ts';
import { createAnswers } from './answer.ts';
import { takeBootOnce } from './once.ts';
import { createReach } from './reach.ts';
import { BACK_TO_MENU } from './script.ts';
import type { StageEvent } from './stages.ts';
import type { MdbView } from './view.ts';

export interface Booter {
  /** The script of a machine that boots as it always does, by the path that iPXE asks for; undefined for any other. */
  usual(path: string, ip: string): string | undefined;
  /** The script of whoever asks. What it boots for once is taken, unless somebody only looks. */
  script(asked: { mac: string; ip: string; look: boolean; fromMenu: boolean }): Promise<string>;
}

/** `/boot/aa:bb:cc:dd:ee:ff/`, as newer ones ask; iPXE of 2019 writes a colon as `%3A`. */
const BOOT_PATH = /^\/boot\/(?:[0-9a-f]{2}(?::|%3A)){5}[0-9a-f]{2}\/$/;

/** Whether it is the machine itself that asks, rather than a person with curl: from its address, or still from an alien's. */
function createMayTake(config: Config): (machine: { ip: string }, ip: string) => boolean {
  const aliens = config.networks.filter(({ role }) => role === 'alien').map(({ cidr }) => parseCidr(cidr)!);
  return (machine, ip) => ip === machine.ip || ip.startsWith('127.') || isAllowed(aliens, ip);
}

/** Answers boot requests, and tells of each. */
export function createBooter(
  config: Config,
  store: Store,
  view: () => MdbView,
  onEvent: (event: StageEvent) => void,
): Booter {
  const reach = createReach(config);
  const answers = createAnswers(config);
  const mayTake = createMayTake(config);
  return {
    usual(path, ip) {
      if (!BOOT_PATH.test(path)) return undefined;
      const mac = path.length === 24 ? path.slice(6, 23) : path.slice(6, -1).replaceAll('%3A', ':');
      const machine = view().byMac.get(mac);
      if (!machine || machine.boot_once) return undefined;
      const { script, note } = answers(view(), { mac, base: reach(ip) });
      onEvent({ mac, stage: 'script', atMs: Date.now(), ip, note });
      return script;
    },
    async script({ mac: text, ip, look, fromMenu }) {
      const mac = normalizeMac(text) ?? text;
      const machine = view().byMac.get(mac);
      const hint = machine?.boot_once ?? null; // the database knows for certain
      const takes = machine && hint && !look && mayTake(machine, ip);
      const once = takes ? await takeBootOnce(store, mac) : hint;
      if (takes) machine.boot_once = null; // until the view is read anew
      const { script, note } = answers(view(), { mac, base: reach(ip), once });
      const known = view().byMac.has(mac);
      if (!look && (known || normalizeMac(text)))
        onEvent({ mac, stage: 'script', atMs: Date.now(), ip, note });
      return fromMenu && !known ? BACK_TO_MENU : script;
    },
  };
}
