import { expect } from 'chai';
import type { MachineRecord } from '../../../src/lib/mdb/record.ts';
import { checkNoSelection, wallText, wallWords } from '../../../src/lib/power/wall.ts';

describe('wall', () => {
  it('takes all words for the message, or those behind the first --', () => {
    expect(wallWords(['Lunch', 'is', '-x', 'gw', 'ready'], ['Lunch', 'is', 'ready'])).to.deep.equal({
      selection: [],
      message: ['Lunch', 'is', 'ready'],
      isMarked: false,
    });
    const argv = ['@all', '-x', 'gw', '--', '-', '--', 'now'];
    expect(wallWords(argv, ['@all', '-', '--', 'now'])).to.deep.equal({
      selection: ['@all'],
      message: ['-', '--', 'now'],
      isMarked: true,
    });
  });

  it('keeps letters and lines, and what could move a cursor not', () => {
    expect(wallText(['Déjeuner', 'à\r\nmidi:\t\u4f60'])).to.equal('Déjeuner à\nmidi:\t\u4f60\n');
    expect(wallText(['\u001b[2Jboo\u0007\u009b1m\u202e'])).to.equal('[2Jboo1m\n');
    for (const words of [[], [''], [' ', '\n'], ['\u001b']])
      expect(() => wallText(words)).to.throw('no message');
  });

  it('does not take the names of machines for a message', () => {
    const pc: MachineRecord = {
      hostname: 'pas-r01p01',
      aliases: 'front',
      ip: '192.168.0.1',
      mac: '52:54:00:00:00:01',
      rfs: 0,
      hfs: 0,
      mtype: 'user',
      room: 'pasteur',
      is_faulty: false,
      is_faulty_details: '',
    };
    for (const first of ['@room:pasteur', '@nowhere', 'pas-r01p[01-03]', 'pas-r01p01', 'front', 'pas-*', '*'])
      expect(() => checkNoSelection([first, 'x'], [pc]), first).to.throw('or the message');
    for (const first of ['Lunch', 'it,s', '[important]', 'a!', '**now**?'])
      checkNoSelection([first, 'is', 'ready'], [pc]);
  });
});
