import { Readable } from 'node:stream';
import { foldNodeset } from '../../nodeset.ts';
import type { Machine, MachineRecord } from '../../mdb/record.ts';
import { listSwitches } from '../../mdb/switches.ts';
import { ownAddresses } from '../../own-addresses.ts';
import { listPresence } from '../../presence/table.ts';
import { listVersions } from '../../rfs/table.ts';
import type { Site } from '../../site/site.ts';
import { onInterrupt, STOPPING } from '../../ssh/interrupt.ts';
import { type ConnectFlags, openAccess } from '../../ssh/open.ts';
import type { Outcome as Ended } from '../../ssh/protocol.ts';
import { runEverywhere } from '../../ssh/run-everywhere.ts';
import { type Finding, green, red, worst } from '../check.ts';
import { fetchBootFiles } from '../checks/tftp.ts';
import type { Outcome } from '../examine.ts';
import { openPatient } from '../patient.ts';
import { hearMachines, readAnswer } from './answer.ts';
import { getHead } from './boot.ts';
import { foldOutcomes } from './fold.ts';
import { SEAT_CHECKS } from './look.ts';
import type { Order } from './order.ts';
import { type Known, planOrders, tftpServerOf, urlsOf } from './plan.ts';

/** A machine that looks for so long hangs. */
const LOOK_MS = 20_000;
const GET_MS = 4_000;

export interface FromOptions {
  /** Names of checks; none: all. */
  only: readonly string[];
  connect: ConnectFlags;
  note(text: string): void;
  onDone?(left: number): void;
}

/** The site as those machines see it, by SSH: one command on each. A machine that does not answer is a finding. */
export async function examineFrom(
  site: Site,
  machines: readonly MachineRecord[],
  { only, connect, note, onDone }: FromOptions,
): Promise<Outcome[]> {
  const startedMs = performance.now();
  const interrupt = onInterrupt(() => note(`prolo: ${STOPPING}`));
  try {
    const access = await openAccess(site, connect); // without a key there is nothing to look at first
    const orders = await writeOrders(site, machines, interrupt.signal);
    const said = hearMachines();
    let left = machines.length;
    const sink = { write: said.write, end: () => onDone?.(--left) };
    const words = ['prolo', 'doctor', 'look', '--json', ...only.flatMap((name) => ['--only', name])];
    const ended = await runEverywhere(
      machines.map(access.targetOf),
      {
        command: words.join(' '),
        // Of one that has just left MDB there is nothing to look at; it says so.
        input: ({ hostname }) => Readable.from([Buffer.from(JSON.stringify(orders.get(hostname) ?? null))]),
      },
      access.connector,
      sink,
      { fanout: access.fanout, commandMs: LOOK_MS, signal: interrupt.signal },
    ).finally(() => access.close(note));
    return gatherAnswers(ended, said, Math.round(performance.now() - startedMs));
  } finally {
    interrupt.release();
  }
}

function gatherAnswers(
  ended: readonly Ended[],
  said: ReturnType<typeof hearMachines>,
  ms: number,
): Outcome[] {
  const found = new Map<string, Outcome[]>();
  const silent: Outcome = { name: 'ssh', subject: 'whether it answers', colour: 'red', findings: [], ms };
  const others = new Map<string, Outcome[]>();
  for (const outcome of [...ended].sort((a, b) => (a.hostname < b.hostname ? -1 : 1))) {
    const { hostname } = outcome;
    const answer = readAnswer(outcome, said.answerOf(hostname), said.complaintOf(hostname));
    if (Array.isArray(answer)) found.set(outcome.hostname, answer);
    else others.set(outcome.hostname, [{ ...silent, findings: [red(answer.what, answer.fix)] }]);
  }
  const [ssh] = foldOutcomes(others, [silent]);
  const answered: Finding[] = found.size > 0 ? [wellAnswered([...found.keys()])] : [];
  const findings = [...(ssh?.findings ?? []), ...answered];
  return [{ ...silent, colour: worst(findings), findings }, ...foldOutcomes(found, SEAT_CHECKS)];
}

function wellAnswered(machines: string[]): Finding {
  const count = machines.length > 1 ? `${machines.length} machines: ` : '';
  return { ...green(`${count}${foldNodeset(machines)}: answered`), machines };
}

/** What is told to each machine, with what this host gets itself. */
async function writeOrders(
  site: Site,
  machines: readonly MachineRecord[],
  signal: AbortSignal,
): Promise<Map<string, Order>> {
  const patient = openPatient(site);
  try {
    const [view, { knex }] = await Promise.all([patient.mdb(), patient.store()]);
    const known: Known = {
      config: site.config,
      view,
      switches: await listSwitches(knex),
      manifests: await listVersions(knex),
      sessions: new Map((await listPresence(knex)).map(({ login, hostname }) => [hostname, login])),
      addresses: ownAddresses(),
      tftp: new Map(),
      heads: new Map(),
    };
    const chosen = machines.flatMap(({ mac }): Machine[] => {
      const machine = view.byMac.get(mac);
      return machine ? [machine] : [];
    });
    const servers = [...new Set(chosen.flatMap((machine) => tftpServerOf(site.config, machine) ?? []))];
    const [tftp, heads] = await Promise.all([
      fetchBootFiles(servers.slice(0, 1), site.config.dhcp, signal),
      Promise.all(
        urlsOf(known, chosen).map(async (url) => {
          // What this host cannot get is the matter of its own check.
          const head = await getHead(url, signal, GET_MS).catch(() => undefined);
          return head?.status === 200 || head?.status === 206 ? [[url, head.sha256] as const] : [];
        }),
      ),
    ]);
    return planOrders(
      {
        ...known,
        tftp: new Map(tftp.flatMap(({ file, sha256 }) => (sha256 ? [[file, sha256] as const] : []))),
        heads: new Map(heads.flat()),
      },
      chosen,
    );
  } finally {
    await patient.close();
  }
}
