import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Stand-ins for the programs that a session of sshd runs, since the machine that tests run on stays up. */
export interface PowerPrograms {
  /** For sshd_config. */
  setEnv: string;
  /** What `systemctl` was told, in its order. */
  calls(): { ip: string; words: string; ms: number }[];
  /** How it behaves at a machine: it ends the session's sshd, does nothing, or refuses; else the machine has booted at once. */
  behave(ip: string, how: 'drop' | 'stuck' | 'refuse'): void;
  /** What `wall` was given at a machine. */
  wall(ip: string): string | undefined;
  remove(): void;
}

export function makePowerPrograms(): PowerPrograms {
  const dir = mkdtempSync(join(tmpdir(), 'prolo-power-'));
  const file = (name: string): string => join(dir, name);
  const program = (name: string, ...lines: string[]): void => {
    const head = ['#!/bin/sh', `cd ${dir}`, 'set -- "$(echo $SSH_CONNECTION | cut -d" " -f3)" "$@"'];
    writeFileSync(file(`bin/${name}`), `${[...head, ...lines].join('\n')}\n`);
    chmodSync(file(`bin/${name}`), 0o755);
  };
  mkdirSync(file('bin'));
  mkdirSync(file('home'));
  program(
    'systemctl',
    'echo "$(date +%s%N) $*" >> calls',
    'if [ -e refuse-$1 ]; then echo "Warning: x" >&2; echo "Call to $2 failed: \u001b[1mno\u001b[0m" >&2; exit 1; fi',
    'if [ -e stuck-$1 ]; then exit 0; fi',
    '/bin/cat /proc/sys/kernel/random/uuid > boot-$1',
    'if [ -e drop-$1 ]; then',
    '  sleep 0.2', // as a machine takes a moment to end its sshd
    '  pid=$$',
    '  until grep -q "^sshd" /proc/$pid/comm; do pid=$(cut -d" " -f4 /proc/$pid/stat); done',
    '  kill -9 $pid',
    'fi',
  );
  program(
    'cat',
    'machine=$1; shift',
    'if [ "$1" != /proc/sys/kernel/random/boot_id ]; then exec /bin/cat "$@"; fi',
    'if [ -e boot-$machine ]; then exec /bin/cat boot-$machine; fi',
    'exec /bin/cat "$1"',
  );
  program('wall', '(echo "$LC_ALL"; exec /bin/cat) > wall-$1');
  return {
    setEnv: `SetEnv PATH=${file('bin')}:/usr/bin:/bin HOME=${file('home')}`,
    calls() {
      if (!existsSync(file('calls'))) return [];
      const lines = readFileSync(file('calls'), 'utf8').trim().split('\n');
      return lines.map((line) => {
        const [nanoseconds = '', ip = '', ...words] = line.split(' ');
        return { ip, words: words.join(' '), ms: Number(nanoseconds) / 1e6 };
      });
    },
    behave: (ip, how) => writeFileSync(file(`${how}-${ip}`), ''),
    wall: (ip) => (existsSync(file(`wall-${ip}`)) ? readFileSync(file(`wall-${ip}`), 'utf8') : undefined),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
