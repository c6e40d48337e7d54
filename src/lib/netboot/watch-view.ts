import { printable } from '../cli/table.ts';
import { type StageReport, STAGES } from './stages.ts';

/** How long, as a person says it: `9s`, `4m`, `3h`, `2d`. */
export function sinceText(seconds: number): string {
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 48 * 3600 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86400)}d`;
}

/** One machine as a line's cells. */
export function watchCells(report: StageReport): string[] {
  const { hostname, mac, ip, stage, seconds, stuck, note } = report;
  return [hostname || '(unknown)', mac, ip, stage, sinceText(seconds), stuck ? 'STUCK' : '', note];
}
export const WATCH_COLUMNS = ['machine', 'mac', 'ip', 'stage', 'since', 'stuck', 'note'];

/** One change as a line that goes into a log. */
export function watchLine(report: StageReport): string {
  const { hostname, mac, ip, stage, since, stuck, note } = report;
  return [since, hostname || '(unknown)', mac, ip, stage, stuck ? 'STUCK' : '', note]
    .filter(Boolean)
    .map(printable)
    .join('  ');
}

/** `140 machines: 3 address, 2 script, 135 up; 1 stuck` */
export function watchSummary(reports: readonly StageReport[]): string {
  const counts = STAGES.map(
    (stage) => [stage, reports.filter((report) => report.stage === stage).length] as const,
  )
    .filter(([, count]) => count > 0)
    .map(([stage, count]) => `${count} ${stage}`);
  const stuck = reports.filter((report) => report.stuck).length;
  return `${reports.length} ${reports.length === 1 ? 'machine' : 'machines'}${counts.length ? `: ${counts.join(', ')}` : ''}; ${stuck} stuck`;
}

/** Who needs a person first: the stuck ones, then who boots now, those that are up last. */
export function watchOrder(reports: readonly StageReport[]): StageReport[] {
  const rank = (report: StageReport) => (report.stuck ? 0 : report.stage === 'up' ? 2 : 1);
  return [...reports].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      b.seconds - a.seconds ||
      (a.hostname || '~').localeCompare(b.hostname || '~') ||
      a.mac.localeCompare(b.mac),
  );
}

/** A report heard earlier, as it is now. */
export function aged(report: StageReport, nowMs: number): StageReport {
  return { ...report, seconds: Math.max(0, Math.floor((nowMs - Date.parse(report.since)) / 1000)) };
}
