import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { serviceUrl } from '../../../src/lib/site/site.ts';
import { startDaemonProcess } from '../../support/processes.ts';
import { makeTestSite } from '../../support/site.ts';
import { type Answer, ask, fillSite, getList } from './support.ts';

/**
 * Seats that ask for one login at one moment, and logins that ask for one machine, in turn. Each `killEvery`th time the
 * daemon is killed meanwhile and started again. Two winners, a winner that is not in the list, or none where nobody was
 * killed, is an error.
 * @returns how many rounds had a winner, and how often the daemon was killed
 */
export async function raceForSeats(
  rounds: number,
  killEvery: number,
): Promise<{ won: number; kills: number }> {
  const made = await makeTestSite();
  const { site } = made;
  const test = { site, url: serviceUrl(site.config, 'presencesync') };
  await fillSite(site, await made.store(), 3);
  let daemon = await startDaemonProcess(site.file, 'presencesync');
  let [won, kills] = [0, 0];
  try {
    for (let round = 1; round <= rounds; round++) {
      const killed = round % killEvery === 0;
      const numbers = [1, 2, 3];
      const pairs = numbers.map((n) =>
        round % 2 ? { login: 'u1', hostname: `m${n}` } : { login: `u${n}`, hostname: 'm1' },
      );
      const asked = Promise.all(
        pairs.map((pair): Promise<Answer | undefined> => ask(test, 'login', pair).catch(() => undefined)),
      );
      if (killed) {
        await sleep((round * 7) % 12); // some before the answer, some after
        await daemon.kill();
        kills++;
      }
      const answers = await asked;
      if (killed) daemon = await startDaemonProcess(site.file, 'presencesync');
      const winners = pairs.filter((_, i) => answers[i]?.status === 200);
      const list = Object.entries(await getList(test)).map(([login, hostname]) => ({ login, hostname }));
      const text = `round ${round}: ${JSON.stringify({ answers, list })}`;
      expect(list.length, text).to.be.at.most(1);
      if (!killed) {
        expect(winners.length, text).to.equal(1);
        expect(answers.filter((answer) => answer?.status === 423).length, text).to.equal(2);
      }
      if (winners.length > 0) expect(list, text).to.deep.equal(winners);
      won += winners.length;
      for (const pair of list) expect((await ask(test, 'logout', pair)).status, text).to.equal(200);
    }
    return { won, kills };
  } finally {
    await daemon.kill();
    await made.remove();
  }
}
