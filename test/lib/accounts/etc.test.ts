import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { toAccounts } from '../../../src/lib/accounts/account.ts';
import { type EtcTexts, planEtc } from '../../../src/lib/accounts/etc.ts';
import { linesOf } from '../../../src/lib/accounts/own-lines.ts';
import { parseConfig } from '../../../src/lib/site/parse.ts';
import { isSiteLine, readSystemAccounts } from '../../../src/lib/udb/site-accounts.ts';
import type { UserRecord } from '../../../src/lib/udb/record.ts';

const config = parseConfig('', 'prolo.yml');
const HASH = '$6$salt$0123456789abcdef';

const user = (login: string, uid: number, more: Partial<UserRecord> = {}): UserRecord => ({
  id: uid,
  login,
  firstname: 'Zoé',
  lastname: 'Ö',
  uid,
  group: uid < 11_000 ? 'user' : uid < 12_000 ? 'orga' : 'root',
  password: HASH,
  shell: '/bin/bash',
  ssh_key: '',
  ...more,
});
const plan = (old: EtcTexts, users: UserRecord[]) => planEtc(config, old, toAccounts(config, users).accounts);

const DEBIAN: EtcTexts = {
  passwd: 'root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n',
  shadow: 'root:*:20000:0:99999:7:::\nwww-data:*:20000:0:99999:7:::\n',
  group: 'root:x:0:\nshadow:x:42:\nusers:x:100:\n',
  gshadow: 'root:*::\nshadow:*::\nusers:*::\n',
};
const latin1 = (text: string): string => Buffer.from(text).toString('latin1');

describe('the files of accounts', () => {
  it('people of UDB are added behind what is there, with their groups', () => {
    const { texts, clashes } = plan(DEBIAN, [user('max', 12_000, { password: '*' }), user('zoe', 10_000)]);
    expect(texts).to.deep.equal({
      passwd: `${DEBIAN.passwd}zoe:x:10000:10000:${latin1('Zoé Ö')}:/home/zoe:/bin/bash\nmax:x:12000:12000:${latin1('Zoé Ö')}:/home/max:/bin/bash\n`,
      shadow: `${DEBIAN.shadow}zoe:${HASH}:::::::\nmax:*:::::::\n`,
      group: `${DEBIAN.group}user:x:10000:\norga:x:11000:\nprolo-root:x:12000:\n`,
      gshadow: `${DEBIAN.gshadow!}user:!::\norga:!::\nprolo-root:!::\n`,
    });
    expect(clashes).to.deep.equal([]);
    expect(plan(texts, [user('max', 12_000, { password: '*' }), user('zoe', 10_000)]).texts).to.deep.equal(
      texts,
    );
  });

  it('who leaves UDB is taken out, everywhere, and what came behind in between stays', () => {
    const { texts } = plan(DEBIAN, [user('zoe', 10_000), user('ada', 10_001)]);
    const later = {
      ...texts,
      passwd: `${texts.passwd}git:x:998:998::/srv/git:/bin/sh\n`,
      shadow: `${texts.shadow}git:!:20000::::::\n`,
    };
    const after = plan(later, [user('ada', 10_001)]);
    expect(after.removed).to.deep.equal(['zoe']);
    expect(after.texts.passwd).to.equal(
      `${DEBIAN.passwd}ada:x:10001:10000:${latin1('Zoé Ö')}:/home/ada:/bin/bash\ngit:x:998:998::/srv/git:/bin/sh\n`,
    );
    expect(after.texts.shadow).to.equal(`${DEBIAN.shadow}ada:${HASH}:::::::\ngit:!:20000::::::\n`);
    const none = plan(later, []);
    expect(none.texts.passwd).to.equal(`${DEBIAN.passwd}git:x:998:998::/srv/git:/bin/sh\n`);
  });

  it('the system wins a clash of names or numbers, and others go on', () => {
    const old = {
      ...DEBIAN,
      passwd: `${DEBIAN.passwd}zoe:x:1000:1000::/home/zoe:/bin/sh\nguest:x:10007:10007::/home/guest:/bin/sh\n`,
      shadow: `${DEBIAN.shadow}zoe:$6$own$own:20000::::::\n`,
    };
    const { texts, clashes } = plan(old, [user('zoe', 10_000), user('ada', 10_001), user('bob', 10_007)]);
    expect(clashes).to.deep.equal([
      'user zoe: the system has an account of that name',
      'user bob: the system has an account with uid 10007',
    ]);
    expect(texts.passwd).to.equal(`${old.passwd}ada:x:10001:10000:${latin1('Zoé Ö')}:/home/ada:/bin/bash\n`);
    expect(texts.shadow).to.equal(`${old.shadow}ada:${HASH}:::::::\n`);
  });

  it('for UDB its own accounts on this host are not the system’s, and those that somebody made are', () => {
    const { texts } = plan(DEBIAN, [user('zoe', 10_000)]);
    const dir = mkdtempSync(join(tmpdir(), 'prolo-accounts-'));
    try {
      writeFileSync(
        join(dir, 'passwd'),
        `${texts.passwd}guest:x:10007:10007::/home/guest:/bin/sh\n`,
        'latin1',
      );
      const { logins, uids } = readSystemAccounts(config, join(dir, 'passwd'));
      expect([...logins]).to.deep.equal(['root', 'www-data', 'guest']);
      expect([...uids]).to.deep.equal([0, 33, 10_007]);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('lines of NIS stay last, comments, odd bytes, damaged lines and a missing newline stay as they are', () => {
    const odd =
      'caf\xe9:x:1001:100:\xff\xfe:/x:/y\n# zoe:x:10000:1:::\n\nbroken:x:10003\nzed::x\n+::::::\n-bad';
    const { texts } = plan({ ...DEBIAN, passwd: odd }, [user('zoe', 10_000)]);
    expect(texts.passwd).to.equal(
      odd.replace('+::', `zoe:x:10000:10000:${latin1('Zoé Ö')}:/home/zoe:/bin/bash\n+::`),
    );
    expect(plan(texts, []).texts.passwd).to.equal(odd);
  });

  it('a group of the system with our number or names is left alone', () => {
    const group = 'user:x:500:\nprolo-user:x:501:\nstaff:x:11000:max\n';
    const { texts, clashes } = plan({ ...DEBIAN, group, gshadow: undefined }, []);
    expect(texts.group).to.equal(`${group}root:x:12000:\n`);
    expect(texts.gshadow).to.equal(undefined);
    expect(clashes).to.deep.equal(['group user: the system has groups of its names, gid 10000 has none']);
  });

  it('what a run left that was killed between shadow and passwd is taken away', () => {
    const { texts } = plan(DEBIAN, [user('zoe', 10_000)]);
    const half = { ...DEBIAN, shadow: texts.shadow };
    expect(plan(half, [user('ada', 10_001)]).texts.shadow).to.equal(`${DEBIAN.shadow}ada:${HASH}:::::::\n`);
  });

  it('a record that could break a line is no account', () => {
    const bad: Partial<UserRecord>[] = [
      { login: 'a:b' },
      { login: 'root\nx' },
      { login: '__proto__' },
      { uid: 0 },
      { uid: 999 },
      { uid: 10_000.5 },
      { uid: '10000' as unknown as number },
      { uid: 13_000 },
      { group: 'wheel' as 'root' },
      { shell: '/bin/sh\nroot::0:0::/:/bin/sh' },
      { password: '' },
      { password: 'plain' },
      { password: `${HASH}:0:0` },
    ];
    for (const more of bad) {
      const { accounts, refused } = toAccounts(config, [user('zoe', 10_000, more), user('ada', 10_001)]);
      expect(
        accounts.map(({ login }) => login),
        JSON.stringify(more),
      ).to.deep.equal(['ada']);
      expect(refused).to.have.length(1);
    }
    const [one] = toAccounts(config, [
      user('zoe', 10_000, { firstname: 'a,b:c\nd', lastname: '\0\u2028x' }),
    ]).accounts;
    expect(one!.gecos).to.equal('a b c d x');
  });

  it('whatever the files hold, lines that are not ours are what they were, and once more changes nothing', () => {
    const field = fc.string({ unit: 'binary-ascii', maxLength: 6 }).map((text) => text.replace(/\n/g, ''));
    const line = fc.oneof(
      fc.array(field, { maxLength: 9 }).map((fields) => fields.join(':')),
      fc.record({ login: fc.constantFrom('zoe', 'ada', 'x', '+zoe', ''), uid: fc.constantFrom(0, 1000, 10_000, 10_001, 10_500, 61_000) }).map(({ login, uid }) => `${login}:x:${uid}:${uid < 10_500 ? 10_000 : 100}::/home/${login}:/bin/sh`), // prettier-ignore
      fc.constantFrom(
        'zoe:$6$a$b:::::::',
        'ada:!:20000::::::',
        'user:x:10000:zoe',
        'root:x:0:',
        'user:x:7:',
        '+',
        '',
      ),
    );
    const text = fc.tuple(fc.array(line, { maxLength: 8 }), fc.boolean()).map(([lines, open]) => lines.join('\n') + (open || lines.length === 0 ? '' : '\n')); // prettier-ignore
    fc.assert(
      fc.property(
        text,
        text,
        text,
        fc.subarray([user('zoe', 10_000), user('ada', 10_001), user('eve', 12_001)]),
        (passwd, shadow, group, users) => {
          // prettier-ignore
          const old = { passwd, shadow, group };
          const { texts, written } = plan(old, users);
          const strangers = (one: string) => linesOf(one).filter((each) => !isSiteLine(config, each)); // prettier-ignore
          expect(strangers(texts.passwd)).to.deep.equal(strangers(passwd));
          for (const { login } of written)
          expect(texts.shadow.split('\n').filter((each) => each.trimStart().split(':')[0] === login)).to.have.length(1); // prettier-ignore
          expect(plan(texts, users).texts).to.deep.equal(texts);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
