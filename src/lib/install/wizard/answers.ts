import { parse } from 'yaml';
import { asProloError, ProloError } from '../../errors.ts';
import { formatIp, parseCidr } from '../../net.ts';
import type { ConfigDraft } from '../../site/write-config.ts';
import { type Answers, type Facts, gatewayOf, NONE, QUESTIONS } from './questions.ts';
import { parseRooms, parseWayOut } from './read-answer.ts';

/**
 * The answers of a file, YAML, completed by what would be suggested.
 * @throws ProloError `bad-input` for a key that no question has, or an answer that the question refuses
 */
export function readAnswers(text: string, file: string, facts: Facts): Answers {
  let said: unknown;
  try {
    said = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw new ProloError('bad-input', `answers ${file}: ${asProloError(error).message}`, { cause: error });
  }
  if (typeof said !== 'object' || said === null || Array.isArray(said))
    throw new ProloError('bad-input', `answers ${file}: not lines such as \`role: gw\``);
  const keys = QUESTIONS.map(({ key }) => key);
  for (const [key, value] of Object.entries(said)) {
    if (!keys.includes(key))
      throw new ProloError('bad-input', `answers ${file}: ${key}: nobody asks that`, {
        hint: `keys: ${keys.join(', ')}`,
      });
    if (typeof value === 'object')
      throw new ProloError('bad-input', `answers ${file}: ${key}: one line of text is expected`);
  }
  const given = said as Record<string, string | number | boolean>;
  let answers: Answers = {};
  for (const { key, isAsked, suggest, refuse } of QUESTIONS) {
    if (!isAsked(answers, facts)) continue;
    const answer = Object.hasOwn(given, key) ? String(given[key]).trim() : suggest(answers, facts);
    const wrong = refuse(answer, answers, facts);
    if (wrong)
      throw new ProloError('bad-input', `answers ${file}: ${key} ${JSON.stringify(answer)}: ${wrong}`);
    answers = { ...answers, [key]: answer };
  }
  return answers;
}

/** The config of a new site. @param answers that no question refuses */
export function draftOf(answers: Answers): ConfigDraft {
  const { name, domain, hostname, uplink, interface: nic } = answers as Record<string, string>;
  const [network, alien] = [answers.network!, answers.alien!];
  const way = answers.uplinkAddress === undefined ? undefined : parseWayOut(answers.uplinkAddress);
  return {
    ...{ name: name!, domain: domain!, gateway: hostname! },
    bind: ['127.0.0.1', gatewayOf(network), gatewayOf(alien)],
    database: 'sqlite:prolo.db',
    networks: [
      { name: 'lan', cidr: network, role: 'machines', gateway: gatewayOf(network), interface: nic! },
      { ...{ name: 'alien', cidr: alien, role: 'alien', gateway: gatewayOf(alien) }, range: leasable(alien) },
    ] as NonNullable<ConfigDraft['networks']>,
    ...(uplink === NONE ? {} : { uplinks: [{ interface: uplink!, ...way }] }),
    pools: { ...halves(network), orga: 'user', cluster: 'user' },
    dns: { forwarders: answers.forwarders === NONE ? [] : answers.forwarders!.split(/\s+/) },
    rooms: parseRooms(answers.rooms!)!,
  };
}

/** PCs in the first half of a network, servers in the second, but for the gateway and what ends in nothing or all. */
function halves(network: string): { user: string; service: string } {
  const { first, last } = parseCidr(network)!;
  const middle = first + (last - first + 1) / 2;
  const range = (from: number, to: number): string => `${formatIp(from)}-${formatIp(to)}`;
  return { user: range(first + 1, middle - 3), service: range(middle + 1, last - 2) };
}

function leasable(network: string): string {
  const { first, last } = parseCidr(network)!;
  return `${formatIp(first + 1)}-${formatIp(last - 2)}`;
}
