import type { MachineRecord } from '../mdb/record.ts';
import { readSwitches } from '../mdb/source.ts';
import type { Site } from '../site/site.ts';
import { planWaves, type Wave } from '../ssh/waves.ts';
import type { Store } from '../store/store.ts';
import { switchesOf } from './switch-of.ts';

/** The flags of `waveFlags`. */
export interface WaveFlags {
  'per-switch'?: number | undefined;
  'wave-seconds'?: number | undefined;
}

export interface PowerPlan {
  waves: Wave<MachineRecord>[];
  /** In words, such as `in 2 waves, 8 of a switch at once, the next ones 20 s later`; empty for one wave. */
  how: string;
}

/** When each machine's turn is, so that no switch has too many at once. */
export async function planPower(
  site: Site,
  store: () => Promise<Store>,
  machines: readonly MachineRecord[],
  flags: WaveFlags,
): Promise<PowerPlan> {
  const perGroup = flags['per-switch'] ?? site.config.ssh.perSwitch;
  const seconds = flags['wave-seconds'] ?? site.config.ssh.waveSeconds;
  const switchOf = switchesOf(await readSwitches(site, store));
  const waves = planWaves(machines, switchOf, { perGroup, waveMs: seconds * 1000 });
  const how = `in ${waves.length} waves, ${perGroup} of a switch at once, the next ones ${seconds} s later`;
  return { waves, how: waves.length > 1 ? how : '' };
}
