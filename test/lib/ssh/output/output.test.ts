import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { gatherAnswers } from '../../../../src/lib/ssh/output/answers.ts';
import { diskSink } from '../../../../src/lib/ssh/output/disk.ts';
import { fileSink } from '../../../../src/lib/ssh/output/files.ts';
import { keepHeads, MAX_TEXT_BYTES } from '../../../../src/lib/ssh/output/heads.ts';
import { progressText } from '../../../../src/lib/ssh/output/progress.ts';
import { wholeCharacters } from '../../../../src/lib/ssh/output/report.ts';
import { createSpool } from '../../../../src/lib/ssh/output/spool.ts';
import { summaryLines } from '../../../../src/lib/ssh/output/summary.ts';
import { teeSinks } from '../../../../src/lib/ssh/output/tee.ts';
import { visible } from '../../../../src/lib/ssh/output/visible.ts';
import type { Outcome } from '../../../../src/lib/ssh/protocol.ts';
import { needs } from '../../../support/needs.ts';

const ok = (hostname: string): Outcome => ({ hostname, status: 'ok', exitCode: 0, ms: 1 });
const failed = (hostname: string, exitCode = 1): Outcome => ({ hostname, status: 'failed', exitCode, ms: 1 });

describe('output of many machines', () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'prolo-output-'))));
  afterEach(() => rmSync(dir, { recursive: true }));

  it('cannot move the cursor of a terminal', () => {
    const shown = visible(Buffer.from('a\tb\u001b[31m\rx\u0007é\u202e\u009b\r\n\u007f'));
    expect(shown.toString()).to.equal('a\tb^[[31m^Mx^Gé??\n^?');
    expect(visible(Buffer.from([0xff, 0x9b])).toString()).to.equal('\ufffd\ufffd');
  });

  it('has whole characters on a terminal, however it came in pieces', async () => {
    const text = 'é€😀\r\nz\r\n';
    const bytes = Buffer.concat([Buffer.from(text), Buffer.from([0xff, 0xe2, 0x82])]);
    for (let size = 1; size < 6; size++) {
      const pieces = (async function* () {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      })();
      const [came, shown]: Buffer[][] = [[], []];
      for await (const piece of wholeCharacters(pieces)) {
        came!.push(piece);
        shown!.push(visible(piece));
      }
      expect(Buffer.concat(came!).equals(bytes)).to.equal(true);
      expect(Buffer.concat(shown!).toString()).to.equal('é€😀\nz\n\ufffd\ufffd');
    }
  });

  it('is kept in a file that has no name, byte for byte', async () => {
    const spool = createSpool(dir);
    const chunk = Buffer.from([0, 255, 10, 13]);
    for (let i = 0; i < 100_000; i++) await spool.add(chunk);
    expect(readdirSync(dir)).to.deep.equal([]);
    const all = Buffer.concat(Array.from({ length: 100_000 }, () => chunk));
    const read: Buffer[] = [];
    for await (const bytes of spool.read()) read.push(bytes);
    expect(Buffer.concat(read).equals(all)).to.equal(true);
    expect(spool.digest()).to.equal(createHash('sha256').update(all).digest('hex'));
    expect(execFileSync('cat', [await spool.path()]).equals(all)).to.equal(true);
    await spool.close();
  });

  it('is one answer where it is the same, on both streams and in its end; the commonest comes first', async () => {
    const gathered = gatherAnswers(() => createSpool(dir));
    const say = async (outcome: Outcome, out: string, err = ''): Promise<void> => {
      for (const char of out) await gathered.sink.write(outcome.hostname, 'stdout', Buffer.from(char));
      if (err) await gathered.sink.write(outcome.hostname, 'stderr', Buffer.from(err));
      await gathered.sink.end(outcome);
    };
    await say(ok('a1'), 'xy');
    await say(ok('b1'), 'other');
    await say(ok('b2'), 'other');
    await say(failed('a2'), 'xy');
    await say(ok('a3'), '', 'xy');
    await say(ok('a4'), '');
    await gathered.sink.end({ hostname: 'a5', status: 'unreachable', reason: 'no answer', ms: 1 });
    const groups = gathered.answers().map(({ outcomes }) => outcomes.map(({ hostname }) => hostname));
    expect(groups).to.deep.equal([['b1', 'b2'], ['a1'], ['a2'], ['a3'], ['a4']]);
    await gathered.close();
  });

  it('is in files as it came; a machine that ran nothing has none, not even an old one', async () => {
    const first = await fileSink(dir, ['a1', 'a2']);
    await first.write('a1', 'stdout', Buffer.from([255]));
    await first.write('a1', 'stderr', Buffer.from('e'));
    await first.end(ok('a1'));
    await first.end(ok('a2'));
    expect(readdirSync(dir).sort()).to.deep.equal(['a1.err', 'a1.out', 'a2.out']);
    expect([...readFileSync(join(dir, 'a1.out'))]).to.deep.equal([255]);
    const second = await fileSink(dir, ['a1']);
    await second.end({ hostname: 'a1', status: 'unreachable', reason: 'no answer', ms: 1 });
    expect(readdirSync(dir)).to.deep.equal(['a2.out']);
  });

  it('is text with an end in JSON, which says what it lacks', () => {
    const heads = keepHeads();
    void heads.sink.write('a1', 'stdout', Buffer.from(`x${'é'.repeat(MAX_TEXT_BYTES)}`));
    void heads.sink.write('a1', 'stderr', Buffer.from([0x61, 0xff]));
    const text = heads.textOf(ok('a1'));
    expect(text).to.include({ stdoutBytes: 1 + 2 * MAX_TEXT_BYTES, stdoutCut: true, stderr: 'a\ufffd' });
    expect(text).to.include({ stderrNotUtf8: true, stderrBytes: 2 }).and.not.have.property('stdoutNotUtf8');
    expect(text.stdout).to.match(/^xé+$/);
  });

  it('ends before the disk here is full', async function () {
    needs(this, { mount: 'mount' });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'none', dir]);
    try {
      const told: unknown[] = [];
      const sink = teeSinks([await diskSink(dir), await fileSink(dir, ['a1'])], (error) => told.push(error));
      for (let i = 0; i < 640 && told.length === 0; i++)
        await sink.write('a1', 'stdout', Buffer.alloc(65_536));
      await sink.end(ok('a1'));
      expect(told[0]).to.include({ kind: 'full', message: `${dir}: the disk here is nearly full` });
      const { bavail, blocks } = statfsSync(dir);
      expect(bavail / blocks).to.be.within(0.01, 0.05);
    } finally {
      execFileSync('umount', [dir]);
    }
  });

  it('blames no machine for a disk of ours that is full', async () => {
    const told: unknown[] = [];
    const full = new Error('no space');
    const sink = teeSinks(
      [
        { write: () => Promise.reject(full), end: () => undefined },
        {
          write: () => {
            throw full;
          },
          end: () => undefined,
        },
      ],
      (error) => told.push(error),
    );
    await sink.write('a1', 'stdout', Buffer.from('x'));
    expect(told).to.deep.equal([full, full]);
  });

  it('ends with who is not ok, by reason, and the counts', () => {
    const gone = (hostname: string, reason: string): Outcome => ({
      hostname,
      status: 'unreachable',
      reason,
      ms: 1,
    });
    const outcomes = [
      ok('a1'),
      failed('a2'),
      failed('a3'),
      failed('a4', 2),
      gone('a5', '\u001bno'),
      gone('a6', 'off'),
    ];
    expect(summaryLines(outcomes, 1234)).to.deep.equal([
      'a[2-3] (2): failed: exit status 1',
      'a4 (1): failed: exit status 2',
      'a5 (1): unreachable: ?no',
      'a6 (1): unreachable: off',
      '1 ok, 3 failed, 2 unreachable in 1.2 s',
    ]);
    expect(progressText(['a1', 'a2', 'a3'], outcomes.slice(0, 1), 900)).to.equal(
      '1 of 3 (1 ok), 0.9 s, waiting for a[2-3]',
    );
  });
});
