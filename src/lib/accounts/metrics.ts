import { writeFileAtomic } from '../write-file.ts';
import type { Site } from '../site/site.ts';
import type { Kept } from './keep.ts';

/** A file for the textfile collector of Prometheus' node exporter: a host of its own has no port for this. */
export async function writeMetrics(site: Site, name: string, kept: Kept): Promise<void> {
  await writeFileAtomic(site.statePath(`${name}.prom`), renderMetrics(name, kept));
}

function renderMetrics(name: string, { counts, clashes, refused }: Kept): string {
  const gauge = (metric: string, help: string, values: [labels: string, value: number][]): string[] => [
    `# HELP prolo_${name}_${metric} ${help}`,
    `# TYPE prolo_${name}_${metric} gauge`,
    ...values.map(([labels, value]) => `prolo_${name}_${metric}${labels} ${value}`),
  ];
  return [
    ...gauge(
      'written',
      "UDB's on this host, by group",
      Object.entries(counts).map(([group, count]) => [`{group="${group}"}`, count]),
    ),
    ...gauge('clashes', 'not written: the system has that name or number', [['', clashes.length]]),
    ...gauge('refused', 'not written: the record is not right', [['', refused.length]]),
    '',
  ].join('\n');
}
