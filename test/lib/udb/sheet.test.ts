import { execFileSync } from 'node:child_process';
import { parse } from 'csv-parse/sync';
import { expect } from 'chai';
import { fromCell } from '../../../src/lib/cli/cells.ts';
import type { PrivateUser } from '../../../src/lib/udb/record.ts';
import { formatOf } from '../../../src/lib/udb/sheet-formats.ts';
import { renderPdfSheet } from '../../../src/lib/udb/sheet-pdf.ts';
import { renderCsvSheet, renderSheet, renderTextSheet } from '../../../src/lib/udb/sheet.ts';
import { needs } from '../../support/needs.ts';

const user = (login: string, more: Partial<PrivateUser> = {}): PrivateUser => ({
  id: 1,
  login,
  firstname: 'Jane',
  lastname: 'Doe',
  uid: 10000,
  group: 'user',
  password: `of-${login}`,
  shell: '/bin/bash',
  ssh_key: '',
  ...more,
});

describe('a password sheet', () => {
  it('as CSV is a row a user, and no cell is a formula', () => {
    const evil = ['=1+1', '+1', '-1', '@x', '\t=1', "'=x"];
    const text = renderCsvSheet([
      user('jdoe', { lastname: 'a,"b' }),
      ...evil.map((password) => user('x', { password })),
    ]);
    const [header, first, ...rest] = parse(text) as string[][];
    expect(header).to.deep.equal(['login', 'password', 'firstname', 'lastname', 'group']);
    expect(first).to.deep.equal(['jdoe', 'of-jdoe', 'Jane', 'a,"b', 'user']);
    for (const [i, row] of rest.entries()) {
      expect(row[1]).to.match(/^'/);
      expect(fromCell(row[1]!)).to.equal(evil[i]);
    }
  });

  it('as text is a slip a user', () => {
    expect(
      renderTextSheet('prolo', [
        user('jdoe'),
        user('zed', { firstname: 'Zoé', lastname: '', password: null }),
      ]),
    ).to.equal(
      [
        '- - - - - - - - - - - - - - - - - - - - - - - - - - - - - -',
        '',
        '  Jane Doe  (prolo, user)',
        '',
        '    login     jdoe',
        '    password  of-jdoe',
        '',
        '- - - - - - - - - - - - - - - - - - - - - - - - - - - - - -',
        '',
        '  Zoé  (prolo, user)',
        '',
        '    login     zed',
        '    password  (not known)',
        '',
        '- - - - - - - - - - - - - - - - - - - - - - - - - - - - - -',
        '',
      ].join('\n'),
    );
  });

  it('as PDF shows names, logins and passwords, 16 slips a page', async function () {
    needs(this, { pdftotext: 'poppler-utils' });
    const odd = [
      user('zlefevre', { firstname: 'Zoé', lastname: 'Lefèvre', password: 'a|b\\(c)€œ' }),
      user('lzolc', { firstname: 'Łukasz', lastname: 'Żółć' }),
      user('yshch', { firstname: 'Юрий', lastname: 'Щербаков' }),
      user('user1', { firstname: '李', lastname: '明' }),
      user('a'.repeat(32), { password: 'x'.repeat(128), lastname: 'W'.repeat(64) }),
      user('hash', { password: null }),
    ];
    const users = [...odd, ...Array.from({ length: 27 }, (_, i) => user(`login${i}`))];
    const pdf = await renderSheet('pdf', 'finals', users);
    const text = execFileSync('pdftotext', ['-layout', '-', '-'], { input: pdf, encoding: 'utf8' });
    expect(text.split('\f').filter((page) => page.trim() !== '')).to.have.length(3);
    for (const word of [
      'Zoé Lefèvre',
      'a|b\\(c)€œ',
      'Lukasz Zólc',
      'Yuriy Shcherbakov',
      'a'.repeat(32),
      '(not known)',
      'finals, user',
    ])
      expect(text).to.include(word);
    expect(text.match(/x{20,}/g)!.join('')).to.have.length(128);
    for (const { login, password } of users.slice(6)) {
      expect(text).to.match(new RegExp(`\\b${login}\\b`));
      expect(text).to.match(new RegExp(`${password}\\b`));
    }
  });

  it('as PDF stays within the slip', async function () {
    needs(this, { pdftotext: 'poppler-utils' });
    const long = user('a'.repeat(32), {
      password: 'x'.repeat(128),
      lastname: 'W'.repeat(64),
      firstname: 'W'.repeat(64),
    });
    const pdf = await renderPdfSheet('finals', [long]);
    const boxes = execFileSync('pdftotext', ['-bbox', '-', '-'], { input: pdf, encoding: 'utf8' });
    const words = [...boxes.matchAll(/xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)"/g)].map(
      (m) => m.slice(1).map(Number),
    );
    expect(words.length).to.be.greaterThan(5);
    for (const [xMin, yMin, xMax, yMax] of words) {
      expect(xMin).to.be.at.least(36);
      expect(xMax).to.be.at.most(36 + 262);
      expect(yMin).to.be.at.least(36);
      expect(yMax).to.be.at.most(36 + 97);
    }
  });

  it('as PDF refuses a password that its fonts cannot show, rather than print another', async () => {
    const error = await renderPdfSheet('finals', [user('ok'), user('jdoe', { password: 'ключ' })]).catch(
      (e: Error) => e,
    );
    expect(error).to.be.an('error');
    expect((error as Error).message)
      .to.include('password of jdoe')
      .and.not.to.include('ключ');
  });

  it('has the format of its file', () => {
    expect(['a.csv', 'b.PDF', 'c.txt', 'd', '-'].map(formatOf)).to.deep.equal([
      'csv',
      'pdf',
      'text',
      'text',
      'text',
    ]);
  });
});
