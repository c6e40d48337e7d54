import { hfsUrl } from '../site/site.ts';
import type { Config } from '../site/schema.ts';
import { aliasList, type MachineRecord } from './record.ts';

/** What Prometheus' `http_sd_configs` expects: whom it asks, and what is said of them. */
export interface Target {
  targets: string[];
  labels: Record<string, string>;
}

/** Ports of exporters, as their packages have them. */
const EXPORTERS = { node: 9100, process: 9256 } as const;
export const TARGET_KINDS = [...(Object.keys(EXPORTERS) as (keyof typeof EXPORTERS)[]), 'hfs'] as const;
export type TargetKind = (typeof TARGET_KINDS)[number];

/** Servers by address, so that Prometheus sees them when nothing resolves; of `hfs`, the one of each alias `hfsN`. */
export function renderTargets(
  config: Config,
  machines: readonly MachineRecord[],
  kind: TargetKind,
): Target[] {
  const servers = machines.filter(({ mtype, is_faulty }) => mtype === 'service' && !is_faulty);
  if (kind !== 'hfs')
    return servers.map(({ hostname, ip, room }) => ({
      targets: [`${ip}:${EXPORTERS[kind]}`],
      labels: { host: hostname, room },
    }));
  return servers.flatMap((machine) =>
    [machine.hostname, ...aliasList(machine)]
      .flatMap((name) => /^hfs(\d{1,4})$/.exec(name)?.[1] ?? [])
      .map((number) => ({
        targets: [`${machine.ip}:${new URL(hfsUrl(config, Number(number))).port || 80}`],
        labels: { host: machine.hostname, room: machine.room, hfs: number },
      })),
  );
}
