import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { start as startMdb } from '../../src/daemons/mdb.ts';
import { start as startUdb } from '../../src/daemons/udb.ts';
import type { RunningDaemon } from '../../src/lib/http/daemon.ts';
import { silentLog } from '../../src/lib/log.ts';
import { changeMachines, listMachines } from '../../src/lib/mdb/machines.ts';
import { setSetting } from '../../src/lib/mdb/settings.ts';
import { RPC_BODY_LIMIT_BYTES } from '../../src/lib/rpc/routes.ts';
import { databaseUrl } from '../../src/lib/site/site.ts';
import { openStore } from '../../src/lib/store/store.ts';
import { needs } from '../support/needs.ts';
import { createDatabase, postgresPackages } from '../support/postgres.ts';
import { callRpc, outcome, postCall, readAnswer, type RpcAnswer } from '../support/rpc.ts';
import { makeTestSite, type TestSite } from '../support/site.ts';

describe('RPC, with bad input', () => {
  let test: TestSite;
  let mdb: RunningDaemon;
  let udb: RunningDaemon;
  let url: string;

  beforeEach(async () => {
    test = await makeTestSite();
    const store = await test.store();
    const wishes = Array.from({ length: 200 }, (_, n) => ({
      input: { hostname: `${'a'.repeat(50)}${n}`, mac: `02:00:00:00:01:${n.toString(16).padStart(2, '0')}` },
    }));
    await changeMachines(store, test.site.config, 'test', () => ({ wishes }));
    [mdb, udb] = await Promise.all([startMdb(test.context), startUdb(test.context)]);
    url = mdb.url!;
  });
  afterEach(async () => {
    await Promise.all([mdb.close(), udb.close()]);
    await test.remove();
  });

  const expectGoingOn = async (): Promise<void> => {
    for (const daemon of [mdb, udb])
      expect(await (await fetch(`${daemon.url}/__ping`)).text()).to.equal('pong');
    expect((await readAnswer(await fetch(`${url}/call/query`))).body.data).to.have.length(200);
  };

  it('takes a body of 16 MiB and refuses a larger one', async () => {
    const pad = (bytes: number): string => '{"kwargs": {}}'.padEnd(bytes);
    expect((await postCall(url, 'query', pad(RPC_BODY_LIMIT_BYTES))).status).to.equal(200);
    const refused = await postCall(url, 'query', pad(RPC_BODY_LIMIT_BYTES + 1));
    expect(refused.contentType).to.equal('application/json');
    expect(outcome(refused)).to.equal('413 MalformedRequest: body: larger than 16 MiB');
    await expectGoingOn();
  });

  it('stops reading a body without a length at 16 MiB', async () => {
    // The server answers and hangs up; who is still writing may be told of the one or of the other.
    const sent = await new Promise<{ status: number | string; bytes: number }>((resolve) => {
      const part = Buffer.alloc(1024 * 1024, ' ');
      let bytes = 0;
      const post = request(`${url}/call/query`, { method: 'POST' });
      const more = (): void => {
        if (post.writableEnded || bytes > 200 * part.length) return;
        bytes += part.length;
        post.write(part, (error) => error ?? more());
      };
      post.on('response', (response) => {
        response.resume();
        post.destroy();
        resolve({ status: response.statusCode!, bytes });
      });
      post.on('error', (error: NodeJS.ErrnoException) => resolve({ status: error.code ?? '', bytes }));
      more();
    });
    expect(sent.status).to.be.oneOf([413, 'EPIPE', 'ECONNRESET']);
    expect(sent.bytes).to.be.below(64 * 1024 * 1024);
    await expectGoingOn();
  });

  it('refuses what is no call', async () => {
    const bodies: [string | Uint8Array<ArrayBuffer>, RegExp][] = [
      ['{', /^400 JSONDecodeError: body: not JSON/],
      ['args=1', /^400 JSONDecodeError/],
      [new Uint8Array([0xff, 0xfe, 0x00]), /^400 JSONDecodeError: body: bytes that are no UTF-8/],
      [
        Uint8Array.from(Buffer.from('{"kwargs": {"hostname": "\xe9"}}', 'latin1')),
        /^400 JSONDecodeError: .*UTF-8/,
      ],
      ['['.repeat(1_000_000), /^400 JSONDecodeError/],
      ['[]', /^400 MalformedRequest/],
      ['{"kwargs": 5}', /^400 MalformedRequest: body: kwargs/],
      ['{"args": "abc"}', /^400 MalformedRequest: body: args/],
      ['{"kwargs": {}, "user": "root"}', /^400 MalformedRequest: body: unknown field "user"/],
      [
        `{"kwargs": {"rfs": ${'['.repeat(100_000)}${']'.repeat(100_000)}}}`,
        /^500 TypeError: Field 'rfs' expected a number but got a list/,
      ],
      ['{"kwargs": {"rfs": {"$gt": 0}}}', /^500 TypeError/],
      ['{"kwargs": {"__proto__": {"hostname": 1}}}', /^500 FieldError/],
      [
        '{"kwargs": {"boot_once": "x"}}',
        /^500 FieldError: Cannot resolve keyword 'boot_once' into field. Choices are: aliases, /,
      ],
    ];
    for (const [body, answer] of bodies)
      expect(outcome(await postCall(url, 'query', body)), String(body).slice(0, 60)).to.match(answer);
    await expectGoingOn();
  });

  it('answers every call as application/json, whatever the request says it is', async () => {
    for (const type of [
      'application/json; charset=utf-16',
      'text/html',
      ';;;',
      'x',
      'multipart/form-data',
      '',
    ]) {
      const response = await fetch(`${url}/call/query`, {
        method: 'POST',
        headers: { 'content-type': type },
        body: '{}',
      });
      const answer = await readAnswer(response);
      expect(answer).to.include({ status: 200, contentType: 'application/json' });
    }
  });

  it('ends a regex that would run for ever elsewhere', async () => {
    const startedMs = performance.now();
    for (const pattern of ['^(a+)+$', '^(a|a)*b$', '^(a?){40}a{40}b', '(.*)(.*)(.*)(.*)(.*)(.*)[^a]x'])
      expect(outcome(await callRpc(url, 'query', { hostname__regex: pattern })), pattern).to.deep.equal([]);
    for (const pattern of [
      '(a{1000}){1000}',
      '((((.{30}){30}){30}){30})',
      '(?<=a)b',
      '(a)\\1',
      '('.repeat(999),
      '[z-a]',
    ])
      expect(outcome(await callRpc(url, 'query', { hostname__regex: pattern })), pattern).to.match(
        /^500 ValueError: /,
      );
    expect(performance.now() - startedMs).to.be.below(15_000);
    await expectGoingOn();
  });

  it('says nothing about its files, its queries or its code', async () => {
    const answers: RpcAnswer[] = [
      await postCall(url, 'query', '{'),
      await callRpc(url, 'query', { hostname__regex: '(' }),
      await callRpc(url, 'register', { hostname: 'a' }),
      await callRpc(udb.url!, 'query_private'),
      await postCall(url, 'x'.repeat(190), '{}'),
    ];
    for (const { body } of answers) {
      expect(body.exn_traceback).to.deep.equal([]);
      expect(JSON.stringify(body)).to.not.match(/\/(work|tmp|home|src|node_modules)\/|select |\.ts/);
    }
  });

  it('answers queries while another process writes, and says so when it cannot write itself', async function () {
    this.timeout(30_000);
    await setSetting(await test.store(), 'test', 'allow_self_registration', 'true');
    const other = new Database(join(test.dir, 'prolo.db'));
    other.exec('begin immediate');
    try {
      await expectGoingOn();
      const asked = { hostname: 'new', mac: '02:00:00:00:02:01', rfs: 0, hfs: 0, room: 'alt', mtype: 'user' };
      expect(outcome(await callRpc(url, 'register', asked))).to.equal(
        '503 RuntimeError: not available now; try again',
      );
    } finally {
      other.exec('rollback');
      other.close();
    }
    await expectGoingOn();
  });

  it('says so when the database file is not one any more', async () => {
    const store = await test.store();
    await store.knex.raw('pragma wal_checkpoint(truncate)');
    await store.knex.raw('pragma cache_size = 0');
    const file = join(test.dir, 'prolo.db');
    const content = readFileSync(file);
    writeFileSync(file, Buffer.alloc(content.length, 'x'));
    const answer = outcome(await readAnswer(await fetch(`${url}/call/query`)));
    expect(answer).to.equal('503 RuntimeError: not available now; try again');
    writeFileSync(file, content);
    await expectGoingOn();
  });
});

describe('RPC, with a full disk', function () {
  this.timeout(60_000);

  it('says so, answers queries, and goes on when there is space', async function () {
    needs(this, { mount: 'mount' });
    const test = await makeTestSite({ database: 'sqlite:small/prolo.db' });
    const small = join(test.dir, 'small');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', small]);
    let daemon: RunningDaemon | undefined;
    try {
      await (await openStore(databaseUrl(test.site, { create: true }))).close();
      const store = await test.store();
      await setSetting(store, 'test', 'allow_self_registration', 'true');
      daemon = await startMdb(test.context);
      const url = daemon.url!;
      const register = async (n: number): Promise<unknown> =>
        outcome(
          await callRpc(url, 'register', {
            hostname: `new${n}`,
            mac: `02:00:00:00:02:0${n}`,
            rfs: 0,
            hfs: 0,
            room: 'alt',
            mtype: 'user',
          }),
        );
      expect(await register(1)).to.equal('192.168.0.1');
      expect(() => writeFileSync(join(small, 'filler'), Buffer.alloc(4 * 1024 * 1024))).to.throw('ENOSPC');
      expect(await register(2)).to.match(/^507 RuntimeError: no space left/);
      expect(outcome(await callRpc(url, 'query', { hostname__startswith: 'new' }))).to.have.length(1);
      expect(await (await fetch(`${url}/__ping`)).text()).to.equal('pong');
      rmSync(join(small, 'filler'));
      expect(await register(2)).to.equal('192.168.0.2');
    } finally {
      await daemon?.close();
      await (await test.store()).close();
      execFileSync('umount', [small]);
      await test.remove();
    }
  });
});

describe('RPC, with PostgreSQL gone', function () {
  this.timeout(60_000);

  it('says so, and goes on when it is back', async function () {
    needs(this, postgresPackages);
    const database = await createDatabase();
    const store = await openStore(database.url);
    const test = await makeTestSite();
    const daemon = await startMdb({ site: test.site, log: silentLog, store: () => Promise.resolve(store) });
    try {
      expect(await listMachines(store.knex)).to.deep.equal([]);
      await database.drop();
      for (let n = 0; n < 3; n++) {
        const answer = outcome(await readAnswer(await fetch(`${daemon.url}/call/query`)));
        expect(answer).to.equal('503 RuntimeError: not available now; try again');
      }
      expect(await (await fetch(`${daemon.url}/__ping`)).text()).to.equal('pong');
    } finally {
      await daemon.close();
      await store.close();
      await test.remove();
    }
  });
});
