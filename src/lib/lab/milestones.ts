/** How far a PC is, as its console tells. */
export interface Milestone {
  stage: 'address' | 'menu' | 'registered' | 'script' | 'kernel' | 'initramfs' | 'init' | 'refused';
  text: string;
}

const MILESTONES: [RegExp, Milestone['stage'], (found: RegExpExecArray) => string][] = [
  [/net\d+: (\d+\.\d+\.\d+\.\d+)\//, 'address', ([, ip]) => `has the address ${ip}`],
  [/Station IP address is (\S+)/, 'address', ([, ip]) => `has the address ${ip} (UEFI)`],
  [/^NBP filename is (\S+)|NBP filename is (\S+)/, 'script', ([, a, b]) => `fetches ${a ?? b} by TFTP`],
  [/is unknown here/, 'menu', () => 'is unknown, and shows the menu'],
  [
    /^registered: (\S+) with address (\S+)/,
    'registered',
    ([, name, ip]) => `is registered as ${name}, ${ip}`,
  ],
  [/\/bootstrap\S*\.\.\. ok/, 'script', () => 'has the bootstrap script'],
  [/^(\S+ boots \S.*)$/, 'script', ([, title]) => title!],
  [/(\S*initrd\S*)\.\.\. ok/, 'initramfs', ([, url]) => `has ${fileOf(url!)}`],
  [/(\S*vmlinuz\S*)\.\.\. ok?/, 'kernel', ([, url]) => `has ${fileOf(url!)}`],
  [/^LAB arguments (.*)$/, 'init', ([, args]) => `runs init; kernel arguments: ${args}`],
  [/^LAB address (\S+) host=(\S*)/, 'init', ([, ip, host]) => `is ${host || '?'} at ${ip}`],
  [/^\.\.\. (.+)$/, 'refused', ([, reason]) => `is refused: ${reason}`],
];

/** What a line of a console says about the boot, or undefined. */
export function readMilestone(line: string): Milestone | undefined {
  for (const [pattern, stage, say] of MILESTONES) {
    const found = pattern.exec(line.trim());
    if (found) return { stage, text: say(found) };
  }
  return undefined;
}

function fileOf(url: string): string {
  return url.split('?')[0]!.split('/').at(-1)!;
}
