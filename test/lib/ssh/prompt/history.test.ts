import { expect } from 'chai';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepInHistory, loadHistory } from '../../../../src/lib/ssh/prompt/history.ts';

describe('the history of prompts', () => {
  let dir: string;
  let file: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'prolo-history-'));
    file = join(dir, 'ssh/history');
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('is empty at first, then has what was typed, for root alone', async () => {
    expect(await loadHistory(file)).to.deep.equal([]);
    for (const line of ['uptime', ' secret', '', 'df -h']) await keepInHistory(file, line);
    expect(await loadHistory(file)).to.deep.equal(['uptime', 'df -h']);
    expect(statSync(file).mode & 0o777).to.equal(0o600);
  });

  it('has every line of several prompts at once', async () => {
    const prompts = Array.from({ length: 8 }, async (_, n) => {
      for (let i = 0; i < 25; i++) await keepInHistory(file, `prompt ${n} line ${i}`);
    });
    await Promise.all(prompts);
    const lines = await loadHistory(file);
    expect(lines).to.have.length(200);
    expect(new Set(lines).size).to.equal(200);
  });

  it('is shortened to its newest lines, and loses none that is written meanwhile', async () => {
    for (let i = 0; i < 25; i++) await keepInHistory(file, `old ${i}`);
    const both = await Promise.all([
      loadHistory(file, 10),
      ...Array.from({ length: 5 }, (_, i) => keepInHistory(file, `new ${i}`)),
    ]);
    expect(both[0]).to.include('old 24');
    const lines = await loadHistory(file, 100);
    expect(lines.filter((line) => line.startsWith('new'))).to.have.members(
      [0, 1, 2, 3, 4].map((i) => `new ${i}`),
    );
    expect(lines).to.not.include('old 14');
    expect(lines).to.include('old 24');
    expect(statSync(file).mode & 0o777).to.equal(0o600);
  });

  it('keeps no control characters, and no line that is endless', async () => {
    await keepInHistory(file, 'x'.repeat(5000));
    await keepInHistory(file, 'two\nlines');
    expect(readFileSync(file, 'utf8')).to.equal('two lines\n');
    writeFileSync(file, 'a\u001b[2Jb\n\n');
    expect(await loadHistory(file)).to.deep.equal(['a[2Jb']);
  });
});
