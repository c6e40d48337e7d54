import type { FilterFields } from '../rpc/filter.ts';
import type { PublicUser } from './record.ts';

/** What `udb.query` and `udb.query_private` may filter by. */
export const USER_FILTERS: FilterFields<PublicUser> = {
  login: { type: 'text', description: 'the login' },
  uid: { type: 'number', description: 'the user id' },
  group: { type: 'text', description: 'user, orga or root' },
  shell: { type: 'text', description: 'the login shell' },
  ssh_key: { type: 'text', description: 'the public key' },
  id: { type: 'number', description: 'its number in UDB' },
};
