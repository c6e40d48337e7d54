import { Type } from 'typebox';
import { noteApplied, parseApplied } from '../lib/contest/applied.ts';
import { readMode } from '../lib/contest/table.ts';
import { serveFeed } from '../lib/feed/serve.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';
import { openSignedForm, type SignedForm } from '../lib/http/signed-form.ts';

/** The feed of whether the contest runs: one record; `/applied` hears who has done what it says. */
export const start: StartDaemon = (context) =>
  serveFeed(context, {
    service: 'contestsync',
    feed: 'contest',
    pk: 'name',
    record: Type.Object({ name: Type.String() }),
    read: async (tx) => [await readMode(tx)],
    extend({ app }, store) {
      const secret = context.site.secret('contestsync.publish');
      app.post('/applied', async ({ body }, reply) => {
        const text = openSignedForm(body as SignedForm | undefined, secret, Date.now());
        await noteApplied(store, parseApplied(text), new Date());
        return reply.type('text/plain').send('ok\n');
      });
      return Promise.resolve({ onChange: () => undefined, stop: () => Promise.resolve() });
    },
  });
