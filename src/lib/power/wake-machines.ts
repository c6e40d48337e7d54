import { askPerson } from '../cli/confirm.ts';
import type { Site } from '../site/site.ts';
import { chooseMachines, type Selection } from '../ssh/choose.ts';
import { questionFor, type TouchFlags } from '../ssh/confirm-machines.ts';
import type { Store } from '../store/store.ts';
import { planPower, type WaveFlags } from './plan-power.ts';
import { runInWaves, type Words } from './run-in-waves.ts';
import { countMachines, describeWaves, wavesAsData } from './show-waves.ts';
import type { PowerResult } from './take-down.ts';
import { openWaker } from './wake.ts';

/** Wakes machines in waves; those that are on do not mind. */
export async function wakeMachines(
  site: Site,
  store: () => Promise<Store>,
  selection: Selection,
  flags: WaveFlags & TouchFlags & { port: number },
  words: Words,
): Promise<PowerResult> {
  const machines = await chooseMachines(site, store, selection, { note: words.note });
  const plan = await planPower(site, store, machines, flags);
  const result = { waves: wavesAsData(plan.waves), outcomes: [], exitStatus: 0 };
  const shown = flags['dry-run'] ? words.log : words.note;
  shown(describeWaves(`wake ${countMachines(machines.length)}`, plan));
  if (flags['dry-run']) return result;
  const question = flags.yes ? undefined : questionFor(machines, site.config.ssh.askAbove);
  if (question !== undefined && (await askPerson(question)) === false) return result;
  const waker = await openWaker(site.config.networks, flags.port);
  const work = { what: 'wake', waves: plan.waves, fanout: machines.length, work: waker.wake };
  const outcomes = await runInWaves(site, work, words).finally(() => waker.close());
  return { ...result, outcomes, exitStatus: outcomes.every(({ status }) => status === 'ok') ? 0 : 1 };
}
