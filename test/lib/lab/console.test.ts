import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { createConsole } from '../../../src/lib/lab/console.ts';
import { rejection } from '../../support/rejection.ts';

describe('a console', () => {
  let dir: string;
  let output: PassThrough;
  let input: PassThrough;
  const open = () => createConsole('pc1', output, input, join(dir, 'log'));
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'prolo-console-'));
    output = new PassThrough();
    input = new PassThrough();
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('finds what came before and what comes later, each once', async () => {
    const console = open();
    output.write('login: ');
    await console.waitFor(/login/, 1000);
    const again = console.waitFor(/log(.)n/, 1000);
    output.write('lo');
    output.write('gon');
    expect((await again)[1]).to.equal('o');
  });

  it('says what was printed last when nothing matches in time', async () => {
    const console = open();
    output.write('one\ntwo\n');
    const { message } = await rejection(console.waitFor(/three/, 30));
    expect(message).to.equal(
      'pc pc1: /three/ did not come in 0.03 s; its console said last:\n  | one\n  | two',
    );
  });

  it('stops waiting when the PC goes off', async () => {
    const console = open();
    const waiting = rejection(console.waitFor(/never/, 10_000));
    output.destroy();
    expect((await waiting).message).to.contain('/never/ never came, and the PC is off');
  });

  it('types keys, and the arrows as a terminal sends them', async () => {
    const console = open();
    await console.type('ab');
    await console.press('down', 'enter');
    expect(String(input.read())).to.equal('ab\u001b[B\r');
  });

  it('tells of lines, and keeps the bytes', async () => {
    const console = open();
    const lines: string[] = [];
    console.onLine((line) => lines.push(line));
    output.write('\u001b[1mbold\u001b[0m\nre');
    output.end('st\n');
    await console.waitFor(/rest\n/, 1000);
    expect(lines).to.deep.equal(['bold', 'rest']);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(readFileSync(join(dir, 'log'), 'utf8')).to.equal('\u001b[1mbold\u001b[0m\nrest\n');
  });
});
