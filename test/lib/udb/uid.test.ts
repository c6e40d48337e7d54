import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { parseConfig } from '../../../src/lib/site/parse.ts';
import { allocateUid, checkUid } from '../../../src/lib/udb/uid.ts';
import { isSystemLogin, isSystemUid, parseAccounts } from '../../../src/lib/udb/system-accounts.ts';

const config = parseConfig(
  'groups:\n  user: {uids: 10000-10004, gid: 10000, quotaBytes: 1, passwordLength: 8}\n  orga: {uids: 900-1002, gid: 1, quotaBytes: 1, passwordLength: 8}\n  root: {uids: 65530-65540, gid: 100, quotaBytes: 1, passwordLength: 8}\n'.replace(
    'gid: 1,',
    'gid: 100,',
  ),
  'prolo.yml',
);
const none = parseAccounts('');

describe('UIDs', () => {
  it('are handed out from the first free one of the group', () => {
    expect(allocateUid(config, 'user', new Set(), none)).to.equal(10000);
    expect(allocateUid(config, 'user', new Set([10000, 10002]), none)).to.equal(10001);
  });

  it('never are one that the system reserves', () => {
    const system = parseAccounts(
      'root:x:0:0::/:/bin/sh\nlocal:x:10000:100::/:/bin/sh\n# a comment\n\nodd:x\n',
    );
    expect(allocateUid(config, 'user', new Set(), system)).to.equal(10001);
    expect(allocateUid(config, 'orga', new Set(), system)).to.equal(1000); // below are the system's
    expect(allocateUid(config, 'root', new Set(), system)).to.equal(65536); // nobody, and -1 in 16 bits
    expect(() => checkUid(config, 'user x', 'user', 10000, system)).to.throw(
      'user x: uid 10000 is reserved by the system',
    );
  });

  it('that are all taken are an error that names the range', () => {
    expect(() => allocateUid(config, 'user', new Set([10000, 10001, 10002, 10003, 10004]), none)).to.throw(
      'group user: no UID of 10000-10004 is free',
    );
  });

  it('outside of the group are refused', () => {
    for (const uid of [9999, 10005, 10000.5, NaN, -1])
      expect(() => checkUid(config, 'user x', 'user', uid, none), String(uid)).to.throw(
        `user x: uid ${uid} is not one of group user (10000-10004)`,
      );
    expect(() => checkUid(config, 'user x', 'user', 10004, none)).not.to.throw();
  });
});

describe('accounts of the system', () => {
  it('are those of /etc/passwd and the usual ones of other hosts', () => {
    const here = parseAccounts(readFileSync('/etc/passwd', 'utf8'));
    for (const login of ['root', 'nobody', 'postgres', 'systemd-network', 'wheel', 'daemon'])
      expect(isSystemLogin(login, here), login).to.equal(true);
    expect(isSystemLogin('jdoe', none)).to.equal(false);
    expect(isSystemLogin('local', parseAccounts('Local:x:1:1::/:/bin/sh'))).to.equal(true);
    expect(isSystemUid(0, here)).to.equal(true);
  });
});
