import { expect } from 'chai';
import { type Seats, whoIsAt } from '../../../src/lib/sso/who.ts';

const seats: Seats = {
  hostnames: new Map([
    ['10.0.0.1', 'pas-r01p01'],
    ['10.0.0.2', 'pas-r01p02'],
  ]),
  logins: new Map([['pas-r01p01', 'jdoe']]),
  overrides: new Map([['10.9.9.9', 'kiosk']]),
};

describe('who sits at an address', () => {
  const cases: [string, Partial<Seats>, string | undefined, string, string?][] = [
    ['a login', {}, '10.0.0.1', 'working: machine 10.0.0.1 has login jdoe', 'jdoe'],
    ['written as IPv6', {}, '::ffff:10.0.0.1', 'working: machine 10.0.0.1 has login jdoe', 'jdoe'],
    ['nobody there', {}, '10.0.0.2', 'unknown: logged-out machine: machine 10.0.0.2 has no login'],
    ['not in MDB', {}, '10.0.0.3', 'unknown: unknown IP: machine 10.0.0.3 has no login'],
    ['no header', {}, undefined, 'unknown: missing header'],
    ['no address', {}, 'x\r\nX-SSO-User: root', 'unknown: unknown IP'],
    ['an override, not in MDB', {}, '10.9.9.9', 'working: machine 10.9.9.9 has login kiosk', 'kiosk'],
    ['before mdbsync', { hostnames: undefined }, '10.0.0.1', 'unknown: mdbsync has not spoken yet'],
    ['before presencesync', { logins: undefined }, '10.0.0.1', 'unknown: presencesync has not spoken yet'],
  ];
  for (const [name, other, header, status, login] of cases)
    it(name, () =>
      expect(whoIsAt({ ...seats, ...other }, header)).to.deep.equal(
        login === undefined ? { status } : { status, login },
      ),
    );
});
