import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { connect, type Connection } from '../../../src/lib/ssh/connect.ts';
import { openIdentity } from '../../../src/lib/ssh/identity.ts';
import { runCommand } from '../../../src/lib/ssh/run-command.ts';
import { needs } from '../../support/needs.ts';
import { sshPackages } from '../../support/ssh-site.ts';
import { type Sshd, startSshd } from '../../support/sshd.ts';

describe('a connection that is kept', function () {
  this.timeout(30_000);
  let sshd: Sshd;
  let connection: Connection;
  before(async function () {
    needs(this, sshPackages);
    sshd = await startSshd({ machines: 1 });
    const hostKeys = {
      algorithmsOf: () => [],
      check: () => undefined,
      missing: () => undefined,
      seen: () => undefined,
    };
    const { auth } = await openIdentity(sshd.user, sshd.identity, {});
    const { port, user } = sshd;
    const target = { hostname: 'm1', ip: sshd.ip(1), port, user, mtype: 'service' } as const;
    connection = await connect(target, { auth, hostKeys, connectMs: 10_000, aliveMs: 5000 });
  });
  after(async () => {
    connection?.close();
    await sshd?.stop();
  });

  it('keeps nothing of the commands that have ended', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    setFlagsFromString('--no-expose-gc'); // the process is that of other tests too
    const channels: WeakRef<object>[] = [];
    const watched: Connection = {
      ...connection,
      async exec(command) {
        const running = await connection.exec(command);
        channels.push(new WeakRef(running.channel));
        return running;
      },
    };
    const sink = { write: () => undefined, end: () => undefined };
    for (let i = 0; i < 10; i++) await runCommand(watched, { command: 'true' }, sink, { commandMs: 10_000 });
    const kept = (): number => channels.filter((channel) => channel.deref()).length;
    for (let tries = 0; tries < 50 && kept() > 1; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      collectGarbage();
    }
    expect(channels).to.have.length(10);
    expect(kept()).to.be.at.most(1);
  });
});
