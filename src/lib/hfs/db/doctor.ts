import type { CheckedImage, Home } from '../protocol.ts';
import { describeHome } from './decide.ts';

/** What one server said; null when it does not answer. */
export interface ServerCheck {
  hfs: number;
  images: CheckedImage[] | null;
  /** Old images whose time is over, `<login>.<epoch>`. */
  old?: readonly string[];
}

export interface Problem {
  login: string;
  hfs: number;
  what: string;
  /** Nothing is wrong: it is only good to know. */
  note?: true;
}

/** Where the table and the disks differ. A server that is silent is a problem, and its homes are no more than unknown. */
export function findProblems(homes: readonly Home[], servers: readonly ServerCheck[]): Problem[] {
  const problems: Problem[] = [];
  const rows = new Map(homes.map((home) => [home.login, home]));
  const serving = new Map<string, number[]>();
  for (const { hfs, images, old = [] } of servers) {
    if (!images) {
      problems.push({ login: '', hfs, what: 'does not answer' });
      continue;
    }
    for (const { login, epoch, mode, fsck } of images) {
      const row = rows.get(login);
      const say = (what: string): number => problems.push({ login, hfs, what });
      if (!row) say(`an image of epoch ${epoch}, and no such home`);
      else if (epoch > row.last_epoch) say(`an image of epoch ${epoch}, which was never handed out`);
      else if (epoch === row.epoch && hfs !== row.hfs && row.state !== 'creating')
        say(`an image of epoch ${epoch} too: the home is ${describeHome(row)}`);
      else if (mode === 'serve' && (epoch !== row.epoch || hfs !== row.hfs))
        say(`serves epoch ${epoch}: the home is ${describeHome(row)}`);
      if (fsck) say(`epoch ${epoch}: e2fsck: ${fsck}`);
      if (mode === 'serve') serving.set(login, [...(serving.get(login) ?? []), hfs]);
    }
    for (const name of old) {
      const [login = '', epoch] = name.split('.');
      const what = `the old image of epoch ${epoch} is deleted when \`prolo hfs backup --retain\` runs next`;
      problems.push({ login, hfs, what, note: true });
    }
    const here = new Set(images.map(({ login, epoch }) => `${login}.${epoch}`));
    for (const row of homes)
      if (row.hfs === hfs && row.state !== 'creating' && !here.has(`${row.login}.${row.epoch}`))
        problems.push({ login: row.login, hfs, what: `its image is missing: it is ${describeHome(row)}` });
  }
  for (const [login, at] of serving)
    if (at.length > 1) problems.push({ login, hfs: at[0]!, what: `served by hfs ${at.join(' and hfs ')}` });
  return problems.sort((a, b) => (a.login === b.login ? a.hfs - b.hfs : a.login < b.login ? -1 : 1));
}
