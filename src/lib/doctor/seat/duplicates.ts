import { runLight } from '../../exec.ts';
import { check, type Finding, green, NotChecked, red } from '../check.ts';
import { deviceOf } from './network.ts';
import type { Order, SeatPatient } from './order.ts';

interface Facts {
  order: Pick<Order, 'ip' | 'mac'>;
  /** Cards that answer for the machine's own address; its own is not among them. */
  macs: string[];
}

const PROGRAMS = [['arping'], ['busybox', 'arping']];
/** For a PC that is slow to answer; a switch may have to learn first. */
const ASK = ['-D', '-c', '3', '-w', '3', '-I'];

/** Whether anybody else answers for the machine's own address: nobody but the machine itself can ask that. */
export const duplicates = check({
  name: 'duplicates',
  subject: 'nobody else has its address',
  async gather({ order }: SeatPatient): Promise<Facts> {
    const dev = await deviceOf(order.ip);
    if (!dev) throw new NotChecked('it has another address');
    for (const program of PROGRAMS)
      try {
        const { exitCode, stdout, stderr } = await runLight([...program, ...ASK, dev, order.ip], 6_000);
        if (exitCode !== 0 && exitCode !== 1) throw new NotChecked(`${program.join(' ')}: ${stderr.trim()}`);
        if (exitCode === 1 && !/rep(ly|lies)/i.test(stdout)) continue; // a busybox without it
        return { order, macs: repliers(stdout).filter((mac) => mac !== order.mac) };
      } catch (error) {
        if (error instanceof NotChecked) throw error; // else it is not installed
      }
    throw new NotChecked('it has neither arping nor busybox');
  },
  decide({ order, macs }: Facts): Finding[] {
    return macs.length > 0
      ? macs.map((mac) =>
          red(
            `${mac} answers for its address ${order.ip} too`,
            `prolo mdb list --mac ${mac} tells who that is, prolo mdb switch list where: unplug it`,
          ),
        )
      : [green('nobody else answers')];
  },
});

/** @param text of iputils' arping, or busybox's */
export function repliers(text: string): string[] {
  const macs = text.matchAll(/reply from \S+ \[([0-9a-f]{2}(?::[0-9a-f]{2}){5})\]/gi);
  return [...new Set([...macs].map(([, mac]) => mac!.toLowerCase()))];
}
