import type { Group } from '../site/schema.ts';

/** A user as the udbsync feed carries it. `password` is a crypt(3) hash; the plain one is never in a feed. */
export interface UserRecord extends Record<string, unknown> {
  id: number;
  login: string;
  firstname: string;
  lastname: string;
  uid: number;
  group: Group;
  password: string;
  shell: string;
  ssh_key: string;
}
