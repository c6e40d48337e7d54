import { Flags } from '@oclif/core';
import { DestructiveCommand } from './destructive-command.ts';
import { USUAL } from './lib/hfs/home-name.ts';

const VERBS = {
  start: {
    internet: 'lose the internet',
    now: 'the contest starts now',
    question: 'Start?',
    done: 'started',
  },
  stop: {
    internet: 'get the internet back',
    now: 'the contest ends now',
    question: 'Stop?',
    done: 'stopped',
  },
} as const;

/** Shows what a start or an end of the contest would change, asks, and writes it down for all consumers. */
export abstract class ContestChangeCommand extends DestructiveCommand<typeof ContestChangeCommand> {
  static override flags = {
    at: Flags.string({ description: 'when; without it at once', helpValue: 'TIME' }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask' }),
    'dry-run': Flags.boolean({ char: 'n', description: 'show what would change' }),
  };

  /** @param homes the set that contestants get */
  protected async change(verb: keyof typeof VERBS, homes?: string) {
    const [{ prepareChange }, { describePlan, planContest }, { describeMode }, { phaseAt }, { confirm }] =
      await Promise.all([
        import('./lib/contest/change.ts'),
        import('./lib/contest/plan.ts'),
        import('./lib/contest/describe.ts'),
        import('./lib/contest/mode.ts'),
        import('./lib/cli/confirm.ts'),
      ]);
    const { internet, now, question, done } = VERBS[verb];
    const { at, yes, 'dry-run': onlyLook } = this.flags;
    const store = await this.store();
    const { facts, mode, write } = await prepareChange(await this.site(), store, this.actor, verb, {
      at,
      homes,
    });
    const plan = planContest(facts, Date.now(), mode.homes);
    if (verb === 'start') for (const line of describePlan(plan, 'off')) this.note(line);
    else if (mode.homes !== USUAL && phaseAt(facts.mode, Date.now()) === 'on')
      this.note('homes         the usual ones are back at the next login; both are kept');
    // What is about to be is not said as if it were so. One that runs or waits may change otherwise than now.
    const phases = [facts.mode, mode].map((one) => phaseAt(one, Date.now()));
    const isNow = at === undefined && (phases[0] === 'on') !== (phases[1] === 'on');
    const soon = isNow ? now : describeMode(mode, phases[1]!);
    if (onlyLook) {
      this.log(`${soon}, if it is ${done}`);
      return { mode, plan };
    }
    const asked = `${soon}: ${plan.closed.length} machine(s) ${internet}. ${question}`;
    if (!(await confirm(asked, yes))) return { mode: facts.mode, plan };
    const written = await write();
    this.log(
      `${describeMode(written, phaseAt(written, Date.now()))}; \`prolo contest status\` says who has done it`,
    );
    return { mode: written, plan };
  }
}
