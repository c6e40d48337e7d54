/** Another process that changes machines through the database, as `prolo mdb` does: CONFIG DATABASE COUNT PAUSE_MS. Any message stops it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { loadSite } from '../../src/lib/site/site.ts';
import { openStore } from '../../src/lib/store/store.ts';
import { changeMachines } from '../../src/lib/mdb/machines.ts';

const [file = '', url = '', count = '1', pauseMs = '0'] = process.argv.slice(2);
const { config } = loadSite(file);
const store = await openStore(url);
let stopped = false;
process.once('message', () => (stopped = true));
for (let n = 0; n < Number(count) && !stopped; n++) {
  const [hostname, mac] = [`w${n % 20}`, `02:77:00:00:00:${(10 + (n % 20)).toString(16).padStart(2, '0')}`];
  await changeMachines(store, config, 'writer', (current) => {
    const machine = current.find((one) => one.hostname === hostname);
    if (machine && n % 7 === 0) return { remove: [machine] };
    return { wishes: [{ ...(machine ? { machine } : {}), input: { hostname, mac, rfs: n % 5000 } }] };
  });
  process.send!({ n, atMs: performance.timeOrigin + performance.now() });
  await sleep(Number(pauseMs));
}
await store.close();
process.disconnect();
