// Runs in a guest: FILE ACKNOWLEDGED. Writes a block with a counter, flushes it, notes in ACKNOWLEDGED (a file in memory) what
// was acknowledged and the longest that any took; goes on until SIGTERM, or until the disk says no.
import { fdatasyncSync, openSync, writeSync } from 'node:fs';

const [file, noted] = process.argv.slice(2);
const blocks = 256;
const data = openSync(file, 'w');
const notes = openSync(noted, 'w');
let worstMs = 0;
let count = 0;
let error = '';
const note = () =>
  writeSync(notes, JSON.stringify({ pid: process.pid, count, worstMs, error }).padEnd(120) + '\n', 0);

function step() {
  const begun = performance.now();
  try {
    writeSync(data, String(count + 1).padEnd(4096), (count % blocks) * 4096);
    fdatasyncSync(data);
  } catch (cause) {
    error = cause.code;
    note();
    process.exit(1);
  }
  count++;
  worstMs = Math.max(worstMs, Math.round(performance.now() - begun));
  note();
  setImmediate(step);
}
process.on('SIGTERM', () => process.exit(0));
step();
