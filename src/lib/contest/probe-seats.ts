import { ProloError } from '../errors.ts';
import type { MachineRecord } from '../mdb/record.ts';
import type { Site } from '../site/site.ts';
import { openAccess } from '../ssh/open.ts';
import { runEverywhere } from '../ssh/run-everywhere.ts';
import type { Facts } from './facts.ts';
import { type Probe, probeCommand, readProbe, wantedOnline } from './probe.ts';

const COMMAND_MS = 15_000;
/** A machine that says more than this says nothing. */
const MAX_BYTES = 4096;

/** Has machines try the internet themselves. @throws ProloError `config` where it is not said which address they try */
export async function probeSeats(
  site: Site,
  facts: Facts,
  machines: readonly MachineRecord[],
): Promise<Probe[]> {
  const target = site.config.contest.probe;
  if (!target)
    throw new ProloError('config', 'contest.probe: not set: nobody knows what a seat shall try to reach', {
      hint: 'an address on the internet that answers, such as contest: { probe: "ADDRESS:443" } in prolo.yml',
    });
  const online = wantedOnline(facts, Date.now());
  const texts = new Map<string, string>();
  const access = await openAccess(site, {});
  const sink = {
    write(hostname: string, _stream: string, chunk: Buffer) {
      texts.set(hostname, `${texts.get(hostname) ?? ''}${chunk.toString('utf8')}`.slice(0, MAX_BYTES));
    },
    end: () => undefined,
  };
  const outcomes = await runEverywhere(
    machines.map(access.targetOf),
    { command: probeCommand(target) },
    access.connector,
    sink,
    { fanout: access.fanout, commandMs: COMMAND_MS },
  ).finally(() => access.close());
  const ended = new Map(outcomes.map((outcome) => [outcome.hostname, outcome]));
  return machines.map((machine) =>
    readProbe(
      machine,
      texts.get(machine.hostname) ?? '',
      ended.get(machine.hostname)!,
      online.has(machine.ip),
    ),
  );
}
