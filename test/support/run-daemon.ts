/**
 * Daemons in a process of their own, to be killed: CONFIG NAME… Started by `startDaemonProcess`; PROLO_TEST_LOG is their log's level.
 */
import { createLog } from '../../src/lib/log.ts';
import { databaseUrl, loadSite } from '../../src/lib/site/site.ts';
import { openStore } from '../../src/lib/store/store.ts';
import { loadDaemon } from '../../src/daemons/registry.ts';

const [file = '', ...names] = process.argv.slice(2);
const site = loadSite(file);
const store = openStore(databaseUrl(site));
for (const name of names) {
  const { start, number } = await loadDaemon(name);
  const context = { site, log: createLog(process.env.PROLO_TEST_LOG ?? 'error'), store: () => store };
  await start(number === undefined ? context : { ...context, number });
}
process.send!('ready');
process.on('disconnect', () => process.exit());
