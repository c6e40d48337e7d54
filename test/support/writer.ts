// Another process that writes the change log: URL FIRST COUNT.
import { change } from '../../src/lib/store/change-log.ts';
import { openStore } from '../../src/lib/store/store.ts';

const [url = '', first = '0', count = '1'] = process.argv.slice(2);
const store = await openStore(url);
for (let n = Number(first); n < Number(first) + Number(count); n++)
  await change(store, 'mdb', 'writer', () =>
    Promise.resolve({ value: n, updates: [{ type: 'update', data: { n } }] }),
  );
await store.close();
