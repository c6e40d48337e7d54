import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Pc } from '../../src/lib/lab/lab.ts';
import { packCpio } from '../../src/lib/cpio.ts';
import { packageRoot } from '../../src/lib/package-root.ts';

/** Says what was asked of the NFS server so far, with the shell alone, before anybody is asked to log in; then what the kernel said. */
const TELL = `#!/bin/sh
exec </dev/null
echo "BENCH begins"
read -r up _ </proc/uptime; echo "uptime $up"
while IFS= read -r line; do echo "$line"; done </proc/self/mountstats
dmesg | grep -E 'Run /init|systemd\\[1\\]: systemd .* running|squashfs|verity'
echo "BENCH ends"
`;
const UNIT = `[Service]
ExecStartPre=/bin/sh /usr/lib/bench-tell
StandardOutput=tty
TTYPath=/dev/ttyS0
`;

/** Makes a root say on its console what the bench asks. */
export function addTelling(tree: string): void {
  const unit = join(tree, 'etc/systemd/system/serial-getty@ttyS0.service.d');
  mkdirSync(unit, { recursive: true });
  writeFileSync(join(unit, 'bench.conf'), UNIT);
  writeFileSync(join(tree, 'usr/lib/bench-tell'), TELL);
}

/**
 * The initramfs of a version, but the root is the folder `tree` beside the versions, as it is on the server, file by file: all else
 * is the same.
 */
export function treeInitramfs(initramfs: Buffer): Buffer {
  const template = readFileSync(join(packageRoot, 'templates/rfs/init'), 'utf8');
  const before = 'MAC=$(argument prolo.mac)\n';
  if (!template.includes(before) || !template.includes('\nopen_image() {'))
    throw new Error('templates/rfs/init is another than this bench was written for');
  const open = 'open_image() { mount --bind /run/prolo/nfs/tree /run/prolo/image; }\n';
  const init = { path: 'init', data: template.replace(before, () => open + before), mode: 0o755 };
  return Buffer.concat([initramfs, gzipSync(packCpio([init]))]);
}

export interface NfsUse {
  requests: number;
  /** Sent and taken, of all requests and answers. */
  bytes: number;
  reads: number;
  readBytes: number;
}

/** What `/proc/self/mountstats` says of the first NFS mount. */
export function readMountstats(text: string): NfsUse {
  const [, mount = ''] =
    /^device \S+ mounted on \S+ with fstype nfs4?.*\n([\s\S]*?)(?=^device |$(?![\s\S]))/m.exec(text) ?? [''];
  const rows = [...mount.matchAll(/^\s+([A-Z_]+): (\d+(?: \d+)+)\s*$/gm)].map(([, name, numbers]) => {
    const [operations = 0, , , sent = 0, taken = 0] = numbers!.split(' ').map(Number);
    return { name, operations, sent, taken };
  });
  if (rows.length === 0) throw new Error(`no NFS mount in ${text.slice(0, 300)}`);
  const read = rows.find(({ name }) => name === 'READ');
  return {
    requests: rows.reduce((sum, { operations }) => sum + operations, 0),
    bytes: rows.reduce((sum, { sent, taken }) => sum + sent + taken, 0),
    reads: read?.operations ?? 0,
    readBytes: read?.taken ?? 0,
  };
}

export interface BootTimes {
  /** What took how long, in s, in order; together they are `total`. */
  parts: Record<string, number>;
  total: number;
}

export interface Booted extends BootTimes {
  nfs: NfsUse;
}

const PATTERNS = {
  script: /^\S+ boots \S|\/boot\/\S+\/?\S*\.\.\. ok/,
  init: /prolo: looks for the network/,
  attached: /prolo: version \d+ from/,
};

/** Waits for the login prompt of a PC that has just been switched on. */
export async function watchBoot(pc: Pc, limitMs: number): Promise<Booted> {
  const onMs = Date.now();
  const seen: Partial<Record<keyof typeof PATTERNS, number>> = {};
  pc.console.onLine((line) => {
    for (const [name, pattern] of Object.entries(PATTERNS) as [keyof typeof PATTERNS, RegExp][])
      if (pattern.test(line)) seen[name] ??= Date.now() - onMs;
  });
  await pc.console.waitFor(/BENCH begins/, limitMs);
  const tellMs = Date.now() - onMs;
  await pc.console.waitFor(/login: /, limitMs);
  const told = /BENCH begins\s([\s\S]*)BENCH ends/.exec(pc.console.text())?.[1] ?? '';
  const uptime = Number(/^uptime ([\d.]+)/m.exec(told)?.[1]);
  const systemd = Number(/^\[\s*([\d.]+)\] systemd\[1\]: systemd/m.exec(told)?.[1]);
  const kernelS = tellMs / 1000 - uptime;
  const at = (name: keyof typeof PATTERNS): number => (seen[name] ?? Number.NaN) / 1000;
  const marks: [string, number][] = [
    ['firmware, iPXE, DHCP and the script', at('script')],
    ['kernel and initramfs over HTTP, unpacked', kernelS],
    ['the kernel itself', at('init')],
    ['drivers, address, NFS and the root', at('attached')],
    ['overlay and systemd itself', kernelS + systemd],
    ['units until the login prompt', tellMs / 1000],
  ];
  let last = 0;
  const parts: Record<string, number> = {};
  for (const [name, until] of marks) {
    parts[name] = until - last;
    last = until;
  }
  return { parts, total: last, nfs: readMountstats(told.replaceAll('\r', '')) };
}
