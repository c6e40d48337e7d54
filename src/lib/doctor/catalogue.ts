import type { Check } from './check.ts';
import { database } from './checks/database.ts';
import { disk } from './checks/disk.ts';
import { dns } from './checks/dns.ts';
import { raid } from './checks/raid.ts';
import { secrets } from './checks/secrets.ts';
import { services } from './checks/services.ts';

/** In the order that people read them: what others hang on comes first. */
export const CHECKS: readonly Check[] = [services, secrets, database, dns, disk, raid];
