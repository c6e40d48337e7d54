import { setTimeout as sleep } from 'node:timers/promises';
import { ProloError } from '../errors.ts';
import type { StageReport } from './stages.ts';

/** All stages as they are now. @throws ProloError `unavailable` */
export async function fetchStages(base: string): Promise<StageReport[]> {
  const { body } = await ask(`${base}/stages`, AbortSignal.timeout(10_000));
  return ((await body.json()) as { machines: StageReport[] }).machines;
}

/**
 * Every machine's stage, then each change, until aborted. A connection that breaks is made again, and tells all of them
 * again. @throws ProloError `unavailable` when there is none to begin with
 */
export async function* followStages(
  base: string,
  signal: AbortSignal,
  note: (text: string) => void,
): AsyncGenerator<StageReport> {
  for (let connected = false; !signal.aborted;) {
    try {
      const { body } = await ask(`${base}/stages?follow=1`, signal);
      connected = true;
      yield* readLines(body);
      note(`netboot ${base}: it ended the connection; trying again`);
    } catch (error) {
      if (signal.aborted) return;
      if (!connected) throw error;
      note(`${(error as Error).message}; trying again`);
    }
    await sleep(1000, undefined, { signal }).catch(() => undefined);
  }
}

async function* readLines(body: AsyncIterable<unknown>): AsyncGenerator<StageReport> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const part of body) {
    const lines = (rest + decoder.decode(part as Buffer, { stream: true })).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line) as StageReport;
  }
}

async function ask(url: string, signal: AbortSignal) {
  const { request } = await import('undici');
  try {
    const response = await request(url, { signal, bodyTimeout: 0, headersTimeout: 10_000 });
    if (response.statusCode === 200) return response;
    throw new ProloError(
      'unavailable',
      `${url}: status ${response.statusCode}: ${(await response.body.text()).trim()}`,
    );
  } catch (error) {
    if (error instanceof ProloError) throw error;
    throw new ProloError(
      'unavailable',
      `${url}: ${(error as Error).message || (error as NodeJS.ErrnoException).code}`,
      {
        hint: 'is the netboot daemon running? `prolo daemon netboot`',
        cause: error,
      },
    );
  }
}
