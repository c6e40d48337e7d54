import type { Machine } from '../mdb/record.ts';
import type { Config } from '../site/schema.ts';
import { type Asked, decideBoot } from './boot.ts';
import { renderBoot } from './script.ts';
import type { MdbView } from './view.ts';

export interface Answer {
  script: string;
  /** What a person who watches is told: why it goes no further, or what it boots for once. */
  note: string;
}

/** Answers boot requests, each script rendered once as long as MDB stays as it is. */
export function createAnswers(config: Config): (view: MdbView, asked: Asked) => Answer {
  const rendered = new WeakMap<Machine, Map<string, Answer>>(); // a change of MDB makes new machines
  const answer = (view: MdbView, asked: Asked): Answer => {
    const boot = decideBoot(config, view, asked);
    const note = boot.kind === 'refused' ? `${boot.title}: ${boot.reason}` : (asked.once ?? '');
    // In memory as it goes over the wire: what was normalized is kept in twice the space, and takes longer to send.
    const script = Buffer.from(renderBoot(config, boot), 'latin1').toString('latin1');
    return { script, note };
  };
  return (view, asked) => {
    const machine = view.byMac.get(asked.mac);
    if (!machine || asked.once) return answer(view, asked);
    let byBase = rendered.get(machine);
    if (!byBase) rendered.set(machine, (byBase = new Map()));
    let known = byBase.get(asked.base);
    if (!known) byBase.set(asked.base, (known = answer(view, asked)));
    return known;
  };
}
