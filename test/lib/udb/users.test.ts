import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { parseConfig } from '../../../src/lib/site/parse.ts';
import { changesAfter } from '../../../src/lib/store/change-log.ts';
import type { Store } from '../../../src/lib/store/store.ts';
import { readPassword, readSheet, renewPassword } from '../../../src/lib/udb/private.ts';
import { sha512Crypt } from '../../../src/lib/udb/sha-crypt.ts';
import { parseAccounts } from '../../../src/lib/udb/system-accounts.ts';
import {
  addUser,
  applyUserUpdates,
  changeUsers,
  findUser,
  listPrivateUsers,
  listUsers,
  readUsers,
  removeUsers,
  updateUser,
} from '../../../src/lib/udb/users.ts';
import { rejection } from '../../support/rejection.ts';
import { onBothStores } from '../../support/stores.ts';

const config = parseConfig('reservedLogins: [Boss]', 'prolo.yml');
const key = randomBytes(32).toString('hex');
const system = parseAccounts('local:x:10000:10000::/home/local:/bin/sh');
const hash = '$6$saltsalt$abcdefghijklmnop';
const line = async (store: Store) => (await changesAfter(store, 'udb', 0)).map(({ updates }) => updates);
const brief = async (store: Store) =>
  (await line(store)).map((updates) => updates.map(({ type, data }) => `${type} ${String(data.login)}`));
const audits = async (store: Store) =>
  ((await store.knex('audit').orderBy('id')) as { actor: string; action: string; details: string }[]).map(
    ({ actor, action, details }) => [actor, action, details],
  );
const add = (store: Store, login: string, more = {}) =>
  addUser(store, config, 'test', { login, ...more }, key, { system });

/** Whether the hash is crypt(3)'s of this password. */
function fits(password: string, crypt: string): boolean {
  return sha512Crypt(password, crypt.split('$')[2]!) === crypt;
}

onBothStores('users', (fresh) => {
  it('are added with a UID of their group, a password, and a line of the change log that has only its hash', async () => {
    const store = await fresh();
    const jane = await add(store, 'JDoe', { firstname: 'Jane', lastname: 'Doe' });
    const rooty = await add(store, 'rooty', { group: 'root', password: 'correct horse' });
    expect(jane).to.deep.include({
      login: 'jdoe',
      uid: 10001,
      group: 'user',
      shell: '/bin/bash',
      ssh_key: '',
    });
    expect(rooty).to.deep.include({ uid: 12000, firstname: 'rooty', lastname: '' });
    expect(rooty.id).to.be.greaterThan(0);

    const [first, second] = await listPrivateUsers(store.knex, key);
    expect(first!.password).to.match(/^[a-y3-9]{8}$/);
    expect(fits(first!.password!, jane.password)).to.equal(true);
    expect(second!.password).to.equal('correct horse');
    expect(fits('correct horse', rooty.password)).to.equal(true);

    expect(await line(store)).to.deep.equal([
      [{ type: 'update', data: jane }],
      [{ type: 'update', data: rooty }],
    ]);
    expect(Object.keys(jane)).to.have.members(
      'id login firstname lastname uid group password shell ssh_key'.split(' '),
    );
    expect(await listUsers(store.knex)).to.deep.equal([jane, rooty]);
    const everything = JSON.stringify([await store.knex('users'), await store.knex('changes')]);
    expect(everything).not.to.include('correct horse');
    expect(everything).not.to.include(first!.password);
  });

  it('get the first free UID, again when somebody left', async () => {
    const store = await fresh();
    for (const login of ['a', 'b', 'c']) await add(store, login);
    await removeUsers(store, config, 'test', ['b'], { system });
    expect((await add(store, 'd')).uid).to.equal(10002);
    expect((await rejection(add(store, 'e', { uid: 10003 }))).message).to.equal(
      'user e: uid 10003 is that of c',
    );
    expect((await rejection(add(store, 'e', { uid: 12000 }))).message).to.include('is not one of group user');
    expect((await rejection(add(store, 'e', { uid: 10000 }))).message).to.include('reserved by the system');
  });

  it('are not added when the system, the site or somebody has the login, or it is none', async () => {
    const store = await fresh();
    await add(store, 'jdoe');
    for (const login of ['root', 'LOCAL', 'boss', 'systemd-x', 'postgres'])
      expect((await rejection(add(store, login))).message).to.include('login is reserved');
    expect(await rejection(add(store, 'jdoe'))).to.include({
      kind: 'conflict',
      message: 'user jdoe: is there already',
    });
    for (const login of ['', '1a', 'a b', 'a:b', 'a\nb', 'a'.repeat(33), 'é', '-a', 'a.b', '../a'])
      expect((await rejection(add(store, login))).message, login).to.include('is not a login');
    expect(await listUsers(store.knex)).to.have.length(1);
    expect(await line(store)).to.have.length(1);
  });

  it('have fields that cannot break a line of /etc/passwd or of authorized_keys', async () => {
    const store = await fresh();
    const bad: [Record<string, unknown>, string][] = [
      [{ firstname: 'a:b' }, 'firstname'],
      [{ lastname: 'a\u0000b' }, 'lastname'],
      [{ lastname: 'x'.repeat(65) }, 'lastname'],
      [{ lastname: '\ud800' }, 'lastname'],
      [{ shell: '/bin/sh\nroot::0' }, 'shell'],
      [{ shell: 'bash' }, 'shell'],
      [{ group: 'wheel' }, 'group'],
      [{ ssh_key: 'command="x" ssh-rsa AAAA' }, 'ssh key'],
      [{ password: '' }, 'password'],
      [{ password: 'a\nb' }, 'password'],
      [{ password: 'x'.repeat(129) }, 'password'],
    ];
    for (const [field, name] of bad) {
      const error = await rejection(add(store, 'jdoe', field));
      expect(error.message, name).to.match(new RegExp(`^user jdoe: ${name}`));
      expect(error).to.include({ kind: 'bad-input' });
    }
    expect((await rejection(add(store, 'jdoe', { password: 'topsecret\n' }))).message).not.to.include(
      'topsecret',
    );
    const name = (await add(store, 'jdoe', { firstname: '  Zoe\u0301 \t x ', lastname: '李' })).firstname;
    expect(name).to.equal('Zoé x');
  });

  it('are changed in their fields only; their UID stays when the group changes', async () => {
    const store = await fresh();
    const before = await add(store, 'jdoe', { password: 'old-one' });
    const after = await updateUser(store, config, 'test', 'JDOE', { group: 'orga', shell: '/bin/zsh' });
    expect(after).to.deep.equal({ ...before, group: 'orga', shell: '/bin/zsh' });
    expect(await readPassword(store, key, 'test', 'jdoe')).to.equal('old-one');
    expect((await updateUser(store, config, 'test', 'jdoe', { uid: 'auto' })).uid).to.equal(11000);
    await updateUser(store, config, 'test', 'jdoe', { shell: '/bin/zsh' });
    expect(await brief(store), 'no line where nothing changes').to.have.length(3);

    const renewed = await updateUser(store, config, 'test', 'jdoe', { password: 'new-one' }, key);
    expect(fits('new-one', renewed.password)).to.equal(true);
    expect(await readPassword(store, key, 'test', 'jdoe')).to.equal('new-one');
    expect(await rejection(updateUser(store, config, 'test', 'nobody2', {}))).to.include({
      kind: 'not-found',
    });
  });

  it('may swap UIDs', async () => {
    const store = await fresh();
    await add(store, 'a');
    await add(store, 'b');
    await changeUsers(store, config, 'test', (current) => ({
      wishes: [
        { user: findUser(current, 'a'), input: { uid: 10002 } },
        { user: findUser(current, 'b'), input: { uid: 10001 } },
      ],
    }));
    expect((await listUsers(store.knex)).map(({ uid }) => uid)).to.deep.equal([10002, 10001]);
  });

  it('are removed all or none', async () => {
    const store = await fresh();
    for (const login of ['a', 'b']) await add(store, login);
    expect(await rejection(removeUsers(store, config, 'test', ['a', 'zz']))).to.include({
      kind: 'not-found',
    });
    expect(await listUsers(store.knex)).to.have.length(2);
    const plan = await changeUsers(store, config, 'test', (current) => ({ remove: current }), {
      dryRun: true,
    });
    expect(plan.remove).to.have.length(2);
    expect(await listUsers(store.knex)).to.have.length(2);
    await removeUsers(store, config, 'test', ['A', 'b', 'a']);
    expect(await listUsers(store.knex)).to.deep.equal([]);
    expect((await brief(store)).at(-1)).to.deep.equal(['delete a', 'delete b']);
  });

  it('keep their password when an update carries the hash they have, and lose it with another', async () => {
    const store = await fresh();
    const jane = await add(store, 'jdoe', { password: 'pass-word' });
    await applyUserUpdates(store, config, 'feed', [{ type: 'update', data: { ...jane, lastname: 'Doe' } }], {
      system,
    });
    expect(await readPassword(store, key, 'me', 'jdoe')).to.equal('pass-word');
    await applyUserUpdates(store, config, 'feed', [
      { type: 'update', data: { login: 'JDOE', password: hash } },
    ]);
    expect((await listPrivateUsers(store.knex, key))[0]!.password).to.equal(null);
    const error = await rejection(readPassword(store, key, 'me', 'jdoe'));
    expect(error).to.deep.include({ kind: 'not-found' });
    expect(error.message).to.include('only the hash');
  });

  it('are upserted and deleted by updates, all or none', async () => {
    const store = await fresh();
    await add(store, 'gone');
    await add(store, 'stays');
    await applyUserUpdates(
      store,
      config,
      'feed',
      [
        {
          type: 'update',
          data: {
            id: 99,
            login: 'newone',
            firstname: 'N',
            lastname: 'O',
            group: 'orga',
            password: hash,
            uid: 11005,
          },
        },
        { type: 'update', data: { login: 'other', password: hash } },
        { type: 'update', data: { login: 'stays', shell: '/bin/zsh' } },
        { type: 'delete', data: { login: 'gone' } },
        { type: 'delete', data: { login: 'never-was' } },
      ],
      { system },
    );
    expect((await brief(store)).at(-1)).to.deep.equal([
      'delete gone',
      'update stays',
      'update newone',
      'update other',
    ]);
    const users = await readUsers(store.knex);
    expect(findUser(users, 'newone')).to.deep.include({
      uid: 11005,
      group: 'orga',
      password: hash,
      sealed: null,
    });
    expect(findUser(users, 'newone').id).not.to.equal(99);

    const good = { type: 'update' as const, data: { login: 'good', password: hash } };
    const bad: [object, string][] = [
      [
        { type: 'update', data: { login: 'x', password: 'plain' } },
        'update 2: user x: password is not a crypt(3) hash',
      ],
      [{ type: 'update', data: { login: 'x' } }, 'update 2: user x: password is missing'],
      [
        { type: 'update', data: { login: 'x', password: hash, admin: true } },
        'update 2: unknown field "admin"',
      ],
      [{ type: 'update', data: { login: 7 } }, 'update 2: login: must be string'],
      [{ type: 'update', data: {} }, 'update 2: data: must have required properties login'],
      [{ type: 'update', data: null }, 'update 2: data: must be object'],
      [{ type: 'drop', data: { login: 'x' } }, 'update 2: type "drop" is neither update nor delete'],
      [{ type: 'update', data: { login: 'good', password: hash } }, 'update 2: user "good" is there twice'],
      [{ type: 'update', data: { login: 'root', password: hash } }, 'update 2: user root: login is reserved'],
      [
        { type: 'update', data: { login: 'x', uid: 5, password: hash } },
        'update 2: user x: uid 5 is not one of group',
      ],
      [{ type: 'update', data: { login: 'x', password: `${hash}:\n` } }, 'update 2: user x: password is not'],
    ];
    for (const [update, message] of bad) {
      const error = await rejection(
        applyUserUpdates(store, config, 'feed', [good, update as typeof good], { system }),
      );
      expect(error.message).to.include(message);
      expect(error).to.include({ kind: 'bad-input' });
    }
    expect(await listUsers(store.knex)).to.have.length(3);
  });

  it('have their password read only with a note of who asked', async () => {
    const store = await fresh();
    await add(store, 'jdoe', { password: 'pass-word' });
    expect(await readPassword(store, key, 'org@gw', 'jdoe')).to.equal('pass-word');
    const renewed = await renewPassword(store, config, key, 'org@gw', 'jdoe', 12);
    expect(renewed).to.have.length(12);
    expect(fits(renewed, (await listUsers(store.knex))[0]!.password)).to.equal(true);
    expect(await audits(store)).to.deep.equal([
      ['org@gw', 'udb password', 'jdoe'],
      ['org@gw', 'udb password --new', 'jdoe'],
    ]);
    await store.knex.schema.dropTable('audit');
    await rejection(readPassword(store, key, 'org@gw', 'jdoe'));
    await rejection(renewPassword(store, config, key, 'org@gw', 'jdoe'));
    expect((await listPrivateUsers(store.knex, key))[0]!.password, 'not renewed either').to.equal(renewed);
  });

  it('whose sealed passwords were swapped in the database are not read', async () => {
    const store = await fresh();
    await add(store, 'a', { password: 'of-a' });
    await add(store, 'b', { password: 'of-b' });
    const [a] = await readUsers(store.knex);
    await store.knex('users').where({ login: 'b' }).update({ password_sealed: a!.sealed });
    expect((await rejection(readPassword(store, key, 'me', 'b'))).message).to.include('cannot be opened');
  });

  it('are on a sheet by name, with a note of whose it shows', async () => {
    const store = await fresh();
    await add(store, 'zed', { firstname: 'Zed', lastname: 'Ábc', password: 'of-zed' });
    await add(store, 'amy', { firstname: 'Amy', lastname: 'Zoo', password: 'of-amy' });
    await add(store, 'org', { group: 'orga', password: 'of-org' });
    const logins = async (selection: object) =>
      (await readSheet(store, key, 'org@gw', selection)).map(({ login }) => login);
    expect(await logins({ group: 'user' })).to.deep.equal(['zed', 'amy']);
    expect(await logins({ logins: ['AMY', 'org', 'amy'] })).to.deep.equal(['org', 'amy']);
    expect(await rejection(readSheet(store, key, 'x', { group: 'root' }))).to.include({ kind: 'not-found' });
    expect(await rejection(readSheet(store, key, 'x', { logins: ['nix'] }))).to.include({
      kind: 'not-found',
    });
    expect((await audits(store)).map(([, ...rest]) => rest)).to.deep.equal([
      ['udb sheet', 'zed amy'],
      ['udb sheet', 'org amy'],
    ]);
  });

  it('added at the same time by many get logins and UIDs of their own', async () => {
    const store = await fresh();
    const wishes = (n: number) => [{ input: { login: `u${n}`, password: { hash, sealed: null } } }];
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        changeUsers(store, config, 'test', () => ({ wishes: wishes(n) }), { system }),
      ),
    );
    const uids = (await listUsers(store.knex)).map(({ uid }) => uid).sort();
    expect(uids).to.deep.equal(Array.from({ length: 20 }, (_, n) => 10001 + n));
  });
});
