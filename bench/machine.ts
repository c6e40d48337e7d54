import { cpus, release, totalmem } from 'node:os';

/** The machine that a result was measured on, in a line. */
export function describeMachine(now: Date): string {
  const cores = cpus();
  const memoryGib = (totalmem() / 2 ** 30).toFixed(0);
  const day = now.toISOString().slice(0, 10);
  return `${cores[0]?.model.trim() ?? 'unknown CPU'}, ${cores.length} cores, ${memoryGib} GiB, Linux ${release()}, Node ${process.version}, ${day}`;
}
