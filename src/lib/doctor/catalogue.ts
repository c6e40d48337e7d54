import type { Check } from './check.ts';
import { accounts } from './checks/accounts.ts';
import { backup } from './checks/backup.ts';
import { boot } from './checks/boot.ts';
import { contest } from './checks/contest.ts';
import { database } from './checks/database.ts';
import { dhcp } from './checks/dhcp.ts';
import { disk } from './checks/disk.ts';
import { dns } from './checks/dns.ts';
import { feeds } from './checks/feeds.ts';
import { firewall } from './checks/firewall.ts';
import { foreignDhcp } from './checks/foreign-dhcp.ts';
import { lldp } from './checks/lldp.ts';
import { neighbours } from './checks/neighbours.ts';
import { nfs } from './checks/nfs.ts';
import { nic } from './checks/nic.ts';
import { ntp } from './checks/ntp.ts';
import { raid } from './checks/raid.ts';
import { rfs } from './checks/rfs.ts';
import { secrets } from './checks/secrets.ts';
import { services } from './checks/services.ts';
import { tftp } from './checks/tftp.ts';
import { units } from './checks/units.ts';

/** In the order that people read them: what others hang on comes first. */
export const CHECKS: readonly Check[] = [
  ...[units, services, secrets, database, feeds, accounts, contest, firewall],
  ...[dns, dhcp, foreignDhcp, tftp, boot, nfs, rfs, ntp],
  ...[disk, raid, nic, neighbours, lldp, backup],
];
