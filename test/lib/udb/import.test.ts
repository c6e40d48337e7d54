import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { parseConfig } from '../../../src/lib/site/parse.ts';
import { changesAfter } from '../../../src/lib/store/change-log.ts';
import type { Store } from '../../../src/lib/store/store.ts';
import { type ImportOptions, importUsers, matchRows } from '../../../src/lib/udb/import.ts';
import { looksLikeJson, parseJsonImport, parseTextImport } from '../../../src/lib/udb/import-file.ts';
import { parseAccounts } from '../../../src/lib/udb/system-accounts.ts';
import { addUser, listPrivateUsers } from '../../../src/lib/udb/users.ts';
import { rejection } from '../../support/rejection.ts';
import { onBothStores } from '../../support/stores.ts';

const config = parseConfig('', 'prolo.yml');
const key = randomBytes(32).toString('hex');
const system = parseAccounts('');
const names = (text: string) => parseTextImport('f', text, { logins: false, passwords: false });

describe('an import file', () => {
  it('has a name a line; empty lines, comments, a byte order mark and Windows line ends do not count', () => {
    expect(
      names('\uFEFFJane Doe\r\n\r\n  # a comment\r\n\tJean-Pierre  de la Tour \r\nMadonna'),
    ).to.deep.equal([
      { where: 'f: line 1', bare: true, firstname: 'Jane', lastname: 'Doe' },
      { where: 'f: line 4', bare: true, firstname: 'Jean-Pierre', lastname: 'de la Tour' },
      { where: 'f: line 5', bare: true, firstname: 'Madonna', lastname: '' },
    ]);
    expect(names('')).to.deep.equal([]);
  });

  it('has logins and passwords when told so', () => {
    const parse = (text: string, logins: boolean) =>
      parseTextImport('f', text, { logins, passwords: true }).map(({ where: _, bare: __, ...row }) => row);
    expect(parse('jdoe pass word\nasmith\tp#1', true)).to.deep.equal([
      { login: 'jdoe', password: 'pass word' },
      { login: 'asmith', password: 'p#1' },
    ]);
    expect(parse('Jane Mary Doe s3cret\nAl Smith\tpass word', false)).to.deep.equal([
      { firstname: 'Jane', lastname: 'Mary Doe', password: 's3cret' },
      { firstname: 'Al', lastname: 'Smith', password: 'pass word' },
    ]);
    expect(() => parse('# x\njdoe', true)).to.throw('f: line 2: no password');
  });

  it('may be JSON: what `udb list --json` prints, and SADM’s word for a group', () => {
    const text =
      '\uFEFF [{"login":"a","id":3,"uid":10000,"group":"user","firstname":"A","lastname":"B","shell":"/bin/sh","ssh_key":""},{"firstname":"C","lastname":"D","type":"orga","password":"pw"}]';
    expect(looksLikeJson(text)).to.equal(true);
    expect(looksLikeJson('Jane Doe')).to.equal(false);
    expect(parseJsonImport('f', text)).to.deep.equal([
      {
        where: 'f: entry 1',
        login: 'a',
        uid: 10000,
        group: 'user',
        firstname: 'A',
        lastname: 'B',
        shell: '/bin/sh',
        ssh_key: '',
      },
      { where: 'f: entry 2', firstname: 'C', lastname: 'D', group: 'orga', password: 'pw' },
    ]);
  });

  it('that is bad JSON is refused with the entry', () => {
    const bad: [string, string][] = [
      ['[{', 'f: not JSON'],
      ['{}', 'expected an array of objects'],
      ['[{"login":"a"},{"login":"b","admin":true}]', 'f: entry 2: unknown field "admin"'],
      ['[{"login":7}]', 'f: entry 1: login: must be string'],
      ['[null]', 'f: entry 1: it: must be object'],
      ['[{}]', 'f: entry 1: neither a login nor a name'],
    ];
    for (const [text, message] of bad) expect(() => parseJsonImport('f', text), text).to.throw(message);
  });

  it('gives every person a valid login of their own, whatever the names', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { maxLength: 30 }), (lines) => {
        const rows = names(lines.join('\n').replaceAll(':', ''));
        const logins = matchRows(config, system, [], rows.filter(printable), {}).map(({ login }) => login);
        expect(new Set(logins).size).to.equal(logins.length);
        for (const login of logins) expect(login).to.match(/^[a-z_][a-z0-9_-]{0,31}$/);
      }),
    );
  });
});

const printable = ({ firstname = '', lastname = '' }) =>
  !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u.test(firstname + lastname);

onBothStores('importing people', (fresh) => {
  const load = (store: Store, text: string, options: ImportOptions = {}) =>
    importUsers(store, config, 'test', looksLikeJson(text) ? parseJsonImport('f', text) : names(text), key, {
      group: 'user',
      system,
      ...options,
    });
  const state = async (store: Store) =>
    (await listPrivateUsers(store.knex, key)).map(({ login, uid, group, password }) => ({
      login,
      uid,
      group,
      password,
    }));
  const logins = async (store: Store) => (await state(store)).map(({ login }) => login);

  it('numbers clashes, with those who are there, within the file, and with the system', async () => {
    const store = await fresh();
    await addUser(store, config, 'test', { login: 'jdoe' }, key, { system });
    const { plan } = await load(store, 'Jane Doe\nJohn Doe\nJohn Doe\nRyan Oot\n李 明\n王 伟');
    expect(plan.create.map(({ login }) => login)).to.deep.equal([
      'jdoe2',
      'jdoe3',
      'jdoe4',
      'root2',
      'user1',
      'user2',
    ]);
    expect(plan.create.map(({ uid }) => uid)).to.deep.equal([10001, 10002, 10003, 10004, 10005, 10006]);
    const lines = await changesAfter(store, 'udb', 0);
    expect(lines).to.have.length(2);
    expect(lines[1]!.updates).to.have.length(6);
  });

  it('generates passwords of the asked length, and takes those of the file', async () => {
    const store = await fresh();
    await load(store, 'Jane Doe', { passwordLength: 14 });
    await load(store, 'Al Orga', { group: 'orga' });
    await load(store, '[{"login":"x","password":"given one"}]');
    const passwords = (await state(store)).map(({ password }) => password!);
    expect(passwords.map(({ length }) => length)).to.deep.equal([10, 14, 9]);
    expect(passwords[2]).to.equal('given one');
  });

  it('again, refuses, leaves alone or updates those who are there', async () => {
    const store = await fresh();
    const file = 'Jane Doe\nJohn Doe\nJohn Doe\nAl Smith';
    await load(store, file);
    const before = await state(store);

    const error = await rejection(load(store, `New One\n${file}`));
    expect(error).to.include({
      kind: 'conflict',
      message: 'f: line 2: user jdoe: is there already (and 3 more)',
    });
    expect(await state(store)).to.deep.equal(before);

    const { ignored, plan } = await load(store, `${file}\nJohn Doe`, { existing: 'ignore' });
    expect(ignored).to.deep.equal(['jdoe', 'jdoe2', 'jdoe3', 'asmith']);
    expect(
      plan.create.map(({ login }) => login),
      'a third one of that name',
    ).to.deep.equal(['jdoe4']);
    expect((await state(store)).filter(({ login }) => login !== 'jdoe4')).to.deep.equal(before);

    await load(store, 'al smith', { existing: 'update' });
    const after = await state(store);
    expect(after[0]).to.deep.include({ login: 'asmith', uid: before[0]!.uid });
    expect(after[0]!.password).not.to.equal(before[0]!.password);
    expect(after.slice(1, 4)).to.deep.equal(before.slice(1));
  });

  it('updates fields from JSON, and a password only where it has one', async () => {
    const store = await fresh();
    await load(store, '[{"login":"a","firstname":"A","lastname":"B"},{"login":"b"}]');
    const before = await state(store);
    const { plan } = await load(
      store,
      '[{"login":"a","lastname":"C"},{"login":"b","password":"new-pass"},{"login":"c"}]',
      { existing: 'update' },
    );
    expect(plan.update.map(({ after }) => [after.login, after.firstname, after.lastname])).to.deep.equal([
      ['a', 'A', 'C'],
      ['b', 'b', ''],
    ]);
    const after = await state(store);
    expect(after[0]!.password).to.equal(before[0]!.password);
    expect(after[1]!.password).to.equal('new-pass');
  });

  it('is all or nothing, and its errors name the line', async () => {
    const store = await fresh();
    await load(store, '[{"login":"boss1","group":"orga"}]');
    const bad: [string, string, ImportOptions?][] = [
      ['[{"login":"ok"},{"login":"root"}]', 'f: entry 2: user root: login is reserved'],
      ['[{"login":"ok"},{"login":"OK"}]', 'f: entry 2: user ok: is named twice (also f: entry 1)'],
      ['[{"login":"ok"},{"login":"x","group":"wheel"}]', 'f: entry 2: user x: group "wheel" is none of'],
      ['[{"login":"ok"},{"login":"x","uid":3}]', 'f: entry 2: user x: uid 3 is not one of group user'],
      ['[{"login":"ok"},{"login":"x","password":""}]', 'f: entry 2: password is empty'],
      [
        '[{"login":"ok"},{"login":"x","password":"$6$aaaaaaaa$aaaaaaaaaaaaaaaaaaaaaaaa"}]',
        'looks like a crypt(3) hash',
      ],
      ['Jane Doe\nMallory :x', 'f: line 2: lastname'],
      ['Jane Doe\nMallory \u0007x', 'f: line 2: lastname'],
      [
        '[{"login":"ok"},{"login":"boss1"}]',
        'f: entry 2: user boss1: is of group orga, not "user"',
        { existing: 'update' },
      ],
    ];
    for (const [text, message, options] of bad)
      expect((await rejection(load(store, text, options))).message).to.include(message);
    expect(await logins(store)).to.deep.equal(['boss1']);
    expect(await changesAfter(store, 'udb', 0)).to.have.length(1);
  });

  it('that would overfill a group adds nobody', async () => {
    const store = await fresh();
    const small = parseConfig(
      'groups:\n  user: {uids: 10000-10002, gid: 10000, quotaBytes: 1, passwordLength: 8}\n  orga: {uids: 11000-11002, gid: 11000, quotaBytes: 1, passwordLength: 8}\n  root: {uids: 12000-12002, gid: 12000, quotaBytes: 1, passwordLength: 8}\n',
      'prolo.yml',
    );
    const error = await rejection(
      importUsers(store, small, 'test', names('A A\nB B\nC C\nD D'), key, { group: 'user', system }),
    );
    expect(error).to.include({
      kind: 'full',
      message: 'f: line 4: group user: no UID of 10000-10002 is free',
    });
    expect(await logins(store)).to.deep.equal([]);
  });

  it('can be tried without a change, and without a hash', async () => {
    const store = await fresh();
    const { plan } = await load(store, 'Jane Doe\nJohn Doe', { dryRun: true });
    expect(plan.create.map(({ login, uid }) => [login, uid])).to.deep.equal([
      ['jdoe', 10000],
      ['jdoe2', 10001],
    ]);
    expect(await logins(store)).to.deep.equal([]);
    expect(await changesAfter(store, 'udb', 0)).to.deep.equal([]);
  });

  it('twice at the same time adds each person once', async () => {
    const store = await fresh();
    const file = 'Jane Doe\nAl Smith';
    const done = await Promise.allSettled([load(store, file), load(store, file)]);
    expect(done.map(({ status }) => status).sort()).to.deep.equal(['fulfilled', 'rejected']);
    expect(await logins(store)).to.deep.equal(['asmith', 'jdoe']);
  });
});
