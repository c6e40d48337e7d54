import { normalizeMac } from '../mdb/validate.ts';
import type { Config } from '../site/schema.ts';
import type { Store } from '../store/store.ts';
import { createAnswers } from './answer.ts';
import { takeBootOnce } from './once.ts';
import { createReach } from './reach.ts';
import { BACK_TO_MENU } from './script.ts';
import type { StageEvent } from './stages.ts';
import type { MdbView } from './view.ts';

export interface Booter {
  /** The script of a machine that boots as it always does, at the cost of a look-up; undefined for any other. */
  usual(mac: string, ip: string): string | undefined;
  /** The script of whoever asks. What it boots for once is taken, unless somebody only looks. */
  script(asked: { mac: string; ip: string; look: boolean; fromMenu: boolean }): Promise<string>;
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
  return {
    usual(mac, ip) {
      const machine = view().byMac.get(mac);
      if (!machine || machine.boot_once) return undefined;
      const { script, note } = answers(view(), { mac, base: reach(ip) });
      onEvent({ mac, stage: 'script', atMs: Date.now(), ip, note });
      return script;
    },
    async script({ mac: text, ip, look, fromMenu }) {
      const mac = normalizeMac(text) ?? text;
      const hint = view().byMac.get(mac)?.boot_once; // the database knows for certain
      const once = hint && !look ? await takeBootOnce(store, mac) : (hint ?? null);
      const { script, note } = answers(view(), { mac, base: reach(ip), once });
      const known = view().byMac.has(mac);
      if (!look && (known || normalizeMac(text)))
        onEvent({ mac, stage: 'script', atMs: Date.now(), ip, note });
      return fromMenu && !known ? BACK_TO_MENU : script;
    },
  };
}
