import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** The screen and the keyboard of a virtual PC that has a `monitor`. */
export interface Screen {
  /** @param file gets what the screen shows */
  shoot(file: string, format?: 'png' | 'ppm'): Promise<void>;
  /** On a keyboard of US English: small letters, digits, blanks, `-`. */
  type(text: string): Promise<void>;
  /** Keys by QEMU's names for them: `ret`, `tab`, `esc`. */
  press(...keys: string[]): Promise<void>;
  close(): void;
}

const KEY_MS = 80;

export async function openScreen(socket: string): Promise<Screen> {
  const stream = connect(socket);
  await once(stream, 'connect');
  const answers: { error?: { desc: string } }[] = [];
  let wake = (): void => undefined;
  createInterface({ input: stream }).on('line', (line) => {
    const message = JSON.parse(line) as { event?: string; QMP?: unknown; error?: { desc: string } };
    if (message.event !== undefined || message.QMP !== undefined) return;
    answers.push(message);
    wake();
  });
  stream.on('close', () => {
    answers.push({ error: { desc: 'the PC is off' } });
    wake();
  });
  const ask = async (execute: string, args?: object): Promise<void> => {
    stream.write(`${JSON.stringify({ execute, ...(args ? { arguments: args } : {}) })}\n`);
    while (answers.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    const { error } = answers.shift()!;
    if (error) throw new Error(`${execute}: ${error.desc}`);
  };
  const press = async (...keys: string[]): Promise<void> => {
    for (const data of keys) {
      await ask('send-key', { keys: [{ type: 'qcode', data }] });
      await sleep(KEY_MS);
    }
  };
  await ask('qmp_capabilities');
  return {
    shoot: (filename, format = 'png') => ask('screendump', { filename, format }),
    press,
    type: (text) => press(...[...text].map((key) => ({ ' ': 'spc', '-': 'minus' })[key] ?? key)),
    close: () => stream.destroy(),
  };
}

/** How many colours a picture has, of those that fill more than a thousandth of it. @param ppm binary, as QEMU writes it */
export function countColours(ppm: Buffer): number {
  const [head = '', size = ''] = /^P6\s(\d+ \d+)\s255\s/.exec(ppm.toString('latin1', 0, 64)) ?? [];
  const [width = 0, height = 0] = size.split(' ').map(Number);
  const pixels = width * height;
  if (!head || ppm.length !== head.length + 3 * pixels) throw new Error('no PPM picture');
  const seen = new Map<number, number>();
  for (let at = head.length; at < ppm.length; at += 3) {
    const colour = ppm.readUIntBE(at, 3);
    seen.set(colour, (seen.get(colour) ?? 0) + 1);
  }
  return [...seen.values()].filter((count) => count > pixels / 1000).length;
}

/** In how many places two pictures of the same size differ. */
export function differingPixels(one: Buffer, other: Buffer): number {
  if (one.length !== other.length) throw new Error('pictures of two sizes');
  let count = 0;
  for (let at = 0; at + 3 <= one.length; at += 3)
    if (one.readUIntBE(at, 3) !== other.readUIntBE(at, 3)) count++;
  return count;
}
