import type { MachineInput } from '../mdb/plan.ts';
import { type Config, MTYPES } from '../site/schema.ts';
import type { Console } from './console.ts';

/** What someone in front of an unknown PC answers to netboot's menu. */
export type Answers = Required<Pick<MachineInput, 'hostname' | 'room'>> & {
  rfs: number;
  hfs: number;
  mtype: string;
};

/**
 * Registers a PC by hand, in netboot's menu, with the keys that a person would press. It begins to look when the menu is
 * there, and ends with the confirmation; what netboot says to it is for the caller to wait for.
 */
export async function registerByHand(
  console: Console,
  config: Config,
  answers: Answers,
  waitMs: number,
): Promise<void> {
  const choose = async (title: RegExp, items: readonly string[], item: string): Promise<void> => {
    await console.waitFor(title, waitMs);
    await console.waitFor(new RegExp(items.at(-1)!), waitMs); // all of it is drawn, and it listens
    for (let i = items.indexOf(item); i > 0; i--) await console.press('down');
    await console.press('enter');
  };
  const answer = async (question: RegExp, text: string): Promise<void> => {
    await console.waitFor(question, waitMs);
    await console.press('ctrl-u');
    await console.type(text);
    await console.press('enter');
  };
  await console.waitFor(/is unknown here/, waitMs);
  await console.waitFor(/reboot/, waitMs);
  await console.type('h');
  await choose(/register .*: room/, Object.keys(config.rooms), answers.room);
  await answer(/RFS number: /, String(answers.rfs));
  await answer(/HFS number: /, String(answers.hfs));
  await choose(/register .*: type/, MTYPES, answers.mtype);
  await answer(/Hostname: /, answers.hostname);
  await console.waitFor(
    new RegExp(`Register ${answers.hostname}: ${answers.mtype}, room ${answers.room}`),
    waitMs,
  );
  await console.waitFor(/Leave it/, waitMs);
  await console.press('enter');
}
