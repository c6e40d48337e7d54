import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { ProloError } from '../errors.ts';

/** A process, as /proc shows it. */
export interface ProcessFacts {
  pid: number;
  ppid: number;
  name: string;
  /** Its root and the folder that it is in, as paths; undefined where it may not be seen. */
  root: string | undefined;
  cwd: string | undefined;
  /** Its root is the very folder, whatever its path is called in the namespace of that process. */
  rootIsTree: boolean;
}

export interface TreeFacts {
  processes: readonly ProcessFacts[];
  /** Where something is mounted. */
  mounts: readonly string[];
}

/**
 * What of a tree is not only files: a forgotten chroot, something mounted below it. Whoever asks may be in a folder of it.
 * @param self this process
 * @returns why nobody may work there, and the way out
 */
export function findTreeUse(
  tree: string,
  { processes, mounts }: TreeFacts,
  self: number,
): { what: string; hint: string } | undefined {
  const within = (path: string | undefined): boolean =>
    path !== undefined && (path === tree || path.startsWith(`${tree}/`));
  const own = ancestorsOf(processes, self);
  const user = processes.find(
    ({ pid, root, cwd, rootIsTree }) => rootIsTree || within(root) || (within(cwd) && !own.has(pid)),
  );
  if (user) {
    const { pid, name, cwd } = user;
    const confined = user.rootIsTree || within(user.root);
    return confined
      ? { what: `process ${pid} (${name}) has it as its root`, hint: `end it: \`kill ${pid}\`` }
      : { what: `process ${pid} (${name}) works in ${cwd}`, hint: 'leave that folder there, or end it' };
  }
  const mount = mounts.filter((path) => within(path) && path !== tree).at(-1);
  return mount === undefined
    ? undefined
    : { what: `something is mounted on ${mount}`, hint: `\`umount ${mount}\`, then again` };
}

function ancestorsOf(processes: readonly ProcessFacts[], self: number): Set<number> {
  const parents = new Map(processes.map(({ pid, ppid }) => [pid, ppid]));
  const own = new Set<number>();
  for (let pid: number | undefined = self; pid && !own.has(pid); pid = parents.get(pid)) own.add(pid);
  return own;
}

/** @param tree a real path @throws ProloError `conflict` */
export function mustBeUnused(tree: string): void {
  const use = findTreeUse(tree, readTreeFacts(tree), process.pid);
  if (use) throw new ProloError('conflict', `staging ${tree}: ${use.what}`, { hint: use.hint });
}

function readTreeFacts(tree: string): TreeFacts {
  const { dev, ino } = statSync(tree);
  const processes = readdirSync('/proc').flatMap((entry): ProcessFacts[] => {
    if (!/^\d+$/.test(entry)) return [];
    const stat = tryTo(() => readFileSync(`/proc/${entry}/stat`, 'utf8'));
    const [, name = '', ppid = '0'] = /\((.*)\) \S (\d+)/s.exec(stat ?? '') ?? [];
    const link = (of: string): string | undefined => tryTo(() => readlinkSync(`/proc/${entry}/${of}`));
    const root = tryTo(() => statSync(`/proc/${entry}/root`));
    const rootIsTree = root?.dev === dev && root.ino === ino;
    return [
      { pid: Number(entry), ppid: Number(ppid), name, root: link('root'), cwd: link('cwd'), rootIsTree },
    ];
  });
  return { processes, mounts: mountPoints(readFileSync('/proc/self/mountinfo', 'utf8')) };
}

/** Of proc_pid_mountinfo(5), in the order in which they were mounted. */
export function mountPoints(mountinfo: string): string[] {
  return mountinfo.split('\n').flatMap((line) => {
    const path = line.split(' ')[4];
    if (path === undefined) return [];
    return [path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))];
  });
}

/** It may end while we look, or be somebody else's. */
function tryTo<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
