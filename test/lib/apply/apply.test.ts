import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { pino } from 'pino';
import { createApplier } from '../../../src/lib/apply/apply.ts';
import { RELOAD_PACE } from '../../../src/lib/apply/pace.ts';
import { ProloError } from '../../../src/lib/errors.ts';
import { silentLog } from '../../../src/lib/log.ts';

const quick = { ...RELOAD_PACE, settleMs: 1, gapMs: 1, burstGapMs: 1, retryMs: 5, maxRetryMs: 20 };

interface Line {
  level: number;
  msg: string;
  error?: string;
  hint?: string;
}

function recordedLog(): { log: pino.Logger; lines: Line[] } {
  const lines: Line[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Line);
  return { log: pino({ level: 'info' }, { write }), lines };
}

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !what(); i++) await sleep(5);
  expect(what()).to.equal(true);
}

describe('the applier', () => {
  it('runs one at a time, and once more for what changed meanwhile', async () => {
    let now = 0;
    let most = 0;
    let runs = 0;
    const applier = createApplier({
      name: 'test',
      log: silentLog,
      pace: quick,
      async apply() {
        most = Math.max(most, ++now);
        runs++;
        await sleep(30);
        now--;
      },
    });
    applier.changed();
    await until(() => now === 1);
    for (let i = 0; i < 50; i++) applier.changed();
    await until(() => runs === 2 && now === 0);
    await sleep(30);
    expect({ most, runs }).to.deep.equal({ most: 1, runs: 2 });
    await applier.close();
  });

  it('logs a failure once with its hint, tries again, and says when it works', async () => {
    const { log, lines } = recordedLog();
    let runs = 0;
    const applier = createApplier({
      name: 'dns',
      log,
      pace: quick,
      async apply() {
        if (++runs < 4) throw new ProloError('unavailable', 'named: no answer', { hint: 'is it running?' });
      },
    });
    applier.changed();
    await until(() => lines.length === 2);
    expect(runs).to.equal(4);
    expect(lines[0]).to.include({
      level: 40,
      msg: 'dns: failed, trying again',
      error: 'named: no answer',
      hint: 'is it running?',
    });
    expect(lines[1]).to.include({ level: 30, msg: 'dns: works again' });
    await applier.close();
  });

  it('does not repeat what was refused until something changes', async () => {
    const { log, lines } = recordedLog();
    let runs = 0;
    const applier = createApplier({
      name: 'dns',
      log,
      pace: quick,
      async apply() {
        runs++;
        throw new ProloError('refused', 'zone prolo: machine pc1: bad name');
      },
    });
    applier.changed();
    await until(() => lines.length === 1);
    await sleep(60);
    expect(runs).to.equal(1);
    expect(lines[0]!.error).to.include('machine pc1');
    applier.changed();
    await until(() => runs === 2);
    await applier.close();
  });

  it('close aborts what runs, and nothing runs after it', async () => {
    let runs = 0;
    const applier = createApplier({
      name: 'test',
      log: silentLog,
      pace: quick,
      async apply(signal) {
        runs++;
        await sleep(60_000, undefined, { signal });
      },
    });
    applier.changed();
    await until(() => runs === 1);
    applier.changed();
    await applier.close();
    applier.changed();
    await sleep(20);
    expect(runs).to.equal(1);
  });
});
