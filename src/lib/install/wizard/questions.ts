import { type Range, formatIp, inRange, parseCidr, parseIp } from '../../net.ts';
import { MACHINE_ROLES } from '../roles.ts';
import { parseRooms, parseWayOut } from './read-answer.ts';

export interface Nic {
  name: string;
  mac: string;
  /** A cable with something at its other end. */
  hasCarrier: boolean;
}

/** What this machine says by itself. */
export interface Facts {
  hostname: string;
  nics: readonly Nic[];
  /** Where its own names come from so far. */
  nameservers: readonly string[];
  /** It has a site already, and only its role is asked for. */
  hasSite: boolean;
}

export type Answers = Readonly<Record<string, string>>;

export interface Question {
  key: string;
  text: string;
  /** What is to be known before one answers; a line. */
  help?: (facts: Facts) => string;
  isAsked(answers: Answers, facts: Facts): boolean;
  suggest(answers: Answers, facts: Facts): string;
  /** What is wrong with an answer; undefined: nothing. */
  refuse(text: string, answers: Answers, facts: Facts): string | undefined;
}

export const NONE = 'none';
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

const always = (): boolean => true;
const forNewSite = ({ role }: Answers, { hasSite }: Facts): boolean => role === 'gw' && !hasSite;
const label = (text: string): string | undefined =>
  LABEL.test(text) ? undefined : 'small letters, digits and hyphens only';
const nicNames = ({ nics }: Facts): string => nics.map(({ name }) => name).join(', ') || 'no NIC at all';
const nic = (text: string, facts: Facts): string | undefined =>
  facts.nics.some(({ name }) => name === text) ? undefined : `this machine has ${nicNames(facts)}`;

const describeNics = ({ nics }: Facts): string =>
  nics.map(({ name, mac, hasCarrier }) => `${name} ${mac}${hasCarrier ? '' : ' (no cable)'}`).join(' · ');

/** What the wizard asks, in its order; an answers file has the same keys. */
export const QUESTIONS: readonly Question[] = [
  {
    key: 'role',
    text: 'What is this machine?',
    help: () => MACHINE_ROLES.join(', '),
    isAsked: always,
    suggest: (_answers, { hostname }) => (hostname.startsWith('rhfs') ? 'rhfs' : 'gw'),
    refuse: (text) => (MACHINE_ROLES.includes(text) ? undefined : `one of ${MACHINE_ROLES.join(', ')}`),
  },
  {
    key: 'hostname',
    text: 'Its hostname',
    isAsked: always,
    suggest: ({ role }, { hostname, hasSite }) => (role === 'gw' && !hasSite ? 'gw' : hostname),
    refuse: label,
  },
  {
    key: 'name',
    text: 'The name of the site',
    isAsked: forNewSite,
    suggest: () => 'finals',
    refuse: label,
  },
  {
    key: 'domain',
    text: 'The domain of its machines',
    isAsked: forNewSite,
    suggest: ({ name = '' }) => name,
    refuse: (text) => (text.split('.').every((part) => LABEL.test(part)) ? undefined : 'such as finals.lan'),
  },
  {
    key: 'interface',
    text: 'The NIC that the machines are on',
    help: describeNics,
    isAsked: forNewSite,
    suggest: (_answers, { nics }) => (nics.find(({ hasCarrier }) => hasCarrier) ?? nics[0])?.name ?? '',
    refuse: (text, _answers, facts) => nic(text, facts),
  },
  {
    key: 'network',
    text: 'Their network',
    help: () => 'half of it for PCs, half for servers; its last address is the gateway’s',
    isAsked: forNewSite,
    suggest: () => '192.168.0.0/23',
    refuse: (text) => network(text),
  },
  {
    key: 'alien',
    text: 'The network of machines that nobody knows yet',
    isAsked: forNewSite,
    suggest: () => '192.168.250.0/24',
    refuse: (text, { network: other = '' }) =>
      network(text) ??
      (overlap(parseCidr(text)!, parseCidr(other)) ? `it must lie apart from ${other}` : undefined),
  },
  {
    key: 'uplink',
    text: 'The NIC that leads to the internet',
    help: (facts) => `${describeNics(facts)}; ${NONE}: there is no way out`,
    isAsked: forNewSite,
    suggest: ({ interface: own }, { nics }) => nics.find(({ name }) => name !== own)?.name ?? NONE,
    refuse: (text, { interface: own }, facts) =>
      text === NONE
        ? undefined
        : (nic(text, facts) ??
          (text === own ? 'the machines are on that one; say the other, or none' : undefined)),
  },
  {
    key: 'uplinkAddress',
    text: 'This machine’s address there',
    help: () => 'dhcp, or such as 10.1.2.3/8 via 10.0.0.1',
    isAsked: (answers, facts) => forNewSite(answers, facts) && answers.uplink !== NONE,
    suggest: () => 'dhcp',
    refuse: (text) =>
      text === 'dhcp' || parseWayOut(text) ? undefined : 'dhcp, or ADDRESS/PREFIX via GATEWAY beside it',
  },
  {
    key: 'forwarders',
    text: 'Name servers of the internet',
    help: () => `addresses, with blanks between them; ${NONE}`,
    isAsked: forNewSite,
    suggest: (_answers, { nameservers }) => nameservers.join(' ') || NONE,
    refuse: (text) =>
      text === NONE || text.split(/\s+/).every((word) => parseIp(word) !== undefined)
        ? undefined
        : 'IPv4 addresses, with blanks between them',
  },
  {
    key: 'rooms',
    text: 'Rooms, each with what its hostnames begin with',
    isAsked: forNewSite,
    suggest: () => 'pasteur=pas other=other',
    refuse: (text) => (parseRooms(text) ? undefined : 'such as pasteur=pas masters=mas'),
  },
];

function network(text: string): string | undefined {
  const cidr = parseCidr(text);
  if (!cidr) return 'a network such as 192.168.0.0/23';
  return cidr.prefix <= 28 ? undefined : 'at least 16 addresses (/28)';
}

function overlap(a: Range, b: Range | undefined): boolean {
  return b !== undefined && (inRange(a.first, b) || inRange(b.first, a));
}

/** Of a network: its last usable address is the gateway's. */
export const gatewayOf = (cidr: string): string => formatIp(parseCidr(cidr)!.last - 1);
