import { displayWidth, printable, table } from '../cli/table.ts';
import { foldNodeset } from '../nodeset.ts';
import { HEARD_MS, type Status, type VersionStatus } from './status.ts';

/** Whose machines boot a version: `rfs[0-2]`, and those that only try it. */
function describeBoots({ bootedBy, triedBy }: Pick<VersionStatus, 'bootedBy' | 'triedBy'>): string {
  return [
    ...(bootedBy.length > 0 ? [foldNodeset(bootedBy.map((rfs) => `rfs${rfs}`))] : []),
    ...(triedBy.length > 0 ? [`${foldNodeset(triedBy)} (trial)`] : []),
  ].join(', ');
}

/** The table of versions, and below it what is not as it should be. */
export function describeStatus(
  status: Status & { trouble: string | undefined },
  terminal: { isTTY?: boolean; columns?: number },
): string {
  if (status.versions.length === 0) return 'no version yet: `prolo rfs commit` makes the first one';
  const rows = status.versions.map((version) => [
    version.version,
    version.at.slice(0, 16).replace('T', ' '),
    `${Math.ceil(version.imageBytes / 1e6)} MB`,
    describeCopies(version),
    version.runBy.length,
    describeBoots(version),
    version.tags.join(','),
    version.message,
  ]);
  const columns = ['version', 'made UTC', 'image', 'on', 'run by', 'booted by', 'tags', 'message'];
  const lines = table(columns, rows, terminal).split('\n');
  return [...fitLast(lines, terminal), ...describeTrouble(status)].join('\n');
}

/** `4/5`: on so many of the servers; with a `?` for those that are not known to have it, nor not to. */
function describeCopies({ servers }: VersionStatus): string {
  const states = Object.values(servers);
  if (states.length === 0) return '-';
  const unknown = states.filter((state) => state === 'unknown').length;
  const there = states.filter((state) => state === 'there').length;
  return unknown === states.length ? '?' : `${there}/${states.length}${unknown > 0 ? '?' : ''}`;
}

/** Messages are cut where the terminal ends; in a pipe they are whole. */
function fitLast(
  lines: readonly string[],
  { isTTY, columns }: { isTTY?: boolean; columns?: number },
): string[] {
  if (isTTY !== true || columns === undefined) return [...lines];
  return lines.map((line, i) =>
    i > 0 && displayWidth(line) > columns ? `${line.slice(0, columns - 1)}…` : line,
  );
}

function describeTrouble(status: Status & { trouble: string | undefined }): string[] {
  const { servers, versions, behind, silent, trouble } = status;
  const pairs = new Map<string, string[]>();
  for (const { hostname, runs, boots } of behind) {
    const what = `behind, running ${runs} in place of ${boots}`;
    pairs.set(what, [...(pairs.get(what) ?? []), hostname]);
  }
  return [
    ...(trouble === undefined ? [] : [trouble]),
    ...servers.flatMap((server) => (server.trouble === undefined ? [] : [`? ${printable(server.trouble)}`])),
    ...versions.flatMap(describeLacks),
    ...[...pairs].map(([what, hostnames]) => `${hostnames.length} ${what}: ${foldNodeset(hostnames)}`),
    ...(silent.length > 0
      ? [`${silent.length} not heard of for ${HEARD_MS / 60_000} minutes, or never: ${foldNodeset(silent)}`]
      : []),
  ];
}

function describeLacks({ version, servers, bootedBy, triedBy }: VersionStatus): string[] {
  const those = (state: string): string[] =>
    Object.entries(servers).flatMap(([hostname, one]) => (one === state ? [hostname] : []));
  const [missing, damaged] = [those('missing'), those('damaged')];
  const matters = bootedBy.length + triedBy.length > 0;
  return [
    ...(missing.length > 0 && matters ? [`version ${version}: not on ${foldNodeset(missing)}`] : []),
    ...(damaged.length > 0
      ? [`version ${version}: damaged on ${foldNodeset(damaged)}: prolo rfs verify ${version} --repair`]
      : []),
  ];
}
