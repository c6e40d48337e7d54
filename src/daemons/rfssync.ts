import { serveFeed } from '../lib/feed/serve.ts';
import type { StartDaemon } from '../lib/http/daemon.ts';
import { openSignedForm, type SignedForm } from '../lib/http/signed-form.ts';
import { RfsSchema } from '../lib/rfs/record.ts';
import { noteRunning, parseReport } from '../lib/rfs/running.ts';
import { listBoots } from '../lib/rfs/table.ts';

/** The feed of what the machines of each RFS boot; `/running` hears what they do run. */
export const start: StartDaemon = (context) =>
  serveFeed(context, {
    service: 'rfssync',
    feed: 'rfs',
    pk: 'rfs',
    record: RfsSchema,
    read: listBoots,
    extend({ app }, store) {
      const secret = context.site.secret('presencesync.publish');
      app.post('/running', async ({ body, ip }, reply) => {
        const text = openSignedForm(body as SignedForm | undefined, secret, Date.now());
        await noteRunning(store, ip, parseReport(text), new Date());
        return reply.type('text/plain').send('ok\n');
      });
      return Promise.resolve({ onChange: () => undefined, stop: () => Promise.resolve() });
    },
  });
