import { expect } from 'chai';
import { countStates, drawMap, escapeXml } from '../../../src/lib/usermap/draw.ts';
import { seatFacts } from '../../../src/lib/usermap/facts.ts';
import { draftPlan, parsePlan } from '../../../src/lib/usermap/plan.ts';

const AT = new Date('2026-05-08T20:15:00Z');
const seat = (hostname: string, x = 0, y = 0, room = 'pasteur') => ({ room, hostname, x, y });
const machine = (hostname: string, details?: string) => ({
  hostname,
  is_faulty: details !== undefined,
  is_faulty_details: details ?? '',
});

describe('a seat plan', () => {
  it('says where machines stand, with any separator that spreadsheets write', () => {
    const text = 'room;hostname;x;y\r\npasteur;pas-r01p01;1;2.5\r\n\r\n';
    expect(parsePlan(text, 'seats.csv')).to.deep.equal([seat('pas-r01p01', 1, 2.5)]);
  });

  it('is refused where it says nothing, or two things at once', () => {
    const refusal = (lines: string): string => {
      try {
        parsePlan(`room,hostname,x,y\n${lines}`, 'seats.csv');
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(refusal('pasteur,a,1,x\n')).to.equal(
      'seat plan seats.csv: seat 1, a: y: "x" is no number from 0 to 500',
    );
    expect(refusal('pasteur,a,,1\n')).to.match(/x: "" is no number/);
    expect(refusal('pasteur,a,1e9,1\n')).to.match(/is no number/);
    expect(refusal('p,a,1,1\np,a,2,1\n')).to.match(/seat 2, a: the same as seat 1/);
    expect(refusal('p,a,1,1\np,b,1,1\n')).to.match(/seat 2, b: the same as seat 1/);
    expect(refusal(',a,1,1\n')).to.match(/no room/);
    expect(refusal('p,a,1\n')).to.match(/Invalid Record Length/);
    expect(() => parsePlan('', 'seats.csv')).to.throw('its first line is not room,hostname,x,y');
  });

  it('begins as what hostnames say, without servers, and reads back', () => {
    const draft = draftPlan([
      { hostname: 'pas-r02p07', room: 'pasteur', mtype: 'user' },
      { hostname: 'desk1', room: 'pasteur', mtype: 'orga' },
      { hostname: 'desk2', room: 'pasteur', mtype: 'orga' },
      { hostname: 'gw', room: 'racks', mtype: 'service' },
    ]);
    expect(parsePlan(draft, 'draft')).to.deep.equal([
      seat('pas-r02p07', 7, 2),
      seat('desk1', 0, 0),
      seat('desk2', 1, 0),
    ]);
  });
});

describe('the map of the rooms', () => {
  it('shows who sits there before a fault, a fault before silence', () => {
    const plan = ['sat', 'broken', 'silent', 'free', 'gone'].map((name) => seat(name));
    const machines = [
      machine('sat', 'a key'),
      machine('broken', 'no screen'),
      machine('silent'),
      machine('free'),
    ];
    const states = seatFacts(plan, {
      machines,
      logins: new Map([['sat', 'jdoe']]),
      alive: new Set(['free']),
    });
    expect(states.map(({ state }) => state)).to.deep.equal(['taken', 'faulty', 'down', 'free', 'unknown']);
    expect(countStates(states)).to.equal('1 taken, 1 free, 1 faulty, 1 down, 1 unknown');
    const unasked = seatFacts(plan, { machines, logins: new Map(), alive: undefined });
    expect(unasked.map(({ state }) => state)).to.deep.equal(['faulty', 'faulty', 'free', 'free', 'unknown']);
  });

  it('puts each seat where the plan says, from the first one of its room', () => {
    const plan = [seat('a', 1, 5), seat('b', 2, 5), seat('c', 1, 6), seat('d', 0, 0, 'masters')];
    const svg = drawMap(seatFacts(plan, { machines: [], logins: new Map(), alive: undefined }), AT);
    const places = [...svg.matchAll(/translate\((\d+) (\d+)\)"><title>(\w)/g)].map(([, x, y, name]) => [
      name,
      Number(x),
      Number(y),
    ]);
    expect(places.slice(0, 3)).to.deep.equal([
      ['a', 24, 60],
      ['b', 136, 60],
      ['c', 24, 114],
    ]);
    expect(places[3]![2]).to.be.above(160);
    expect(svg).to.contain('2026-05-08 20:15 UTC');
  });

  it('says what people wrote, and is never told by it', () => {
    const evil = `</text><script>"'&\u0000\ud800`;
    const plan = [seat(evil, 0, 0, evil)];
    const logins = new Map([[evil, evil]]);
    const svg = drawMap(seatFacts(plan, { machines: [machine(evil, evil)], logins, alive: undefined }), AT);
    expect(svg).not.to.contain('<script');
    expect(svg.match(/</g)!.length).to.equal(svg.match(/>/g)!.length);
    expect(escapeXml(evil)).to.equal('&lt;/text&gt;&lt;script&gt;&quot;&#39;&amp;??');
  });
});
