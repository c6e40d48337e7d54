import { hostname, userInfo } from 'node:os';

/** Who runs this, for logs of changes: `root@gw`, the person behind sudo where there is one. */
export function currentActor(): string {
  return `${process.env.SUDO_USER ?? userInfo().username}@${hostname()}`;
}
