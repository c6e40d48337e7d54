import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ProloError } from '../../errors.ts';
import { parseConfig } from '../../site/parse.ts';
import { type ConfigDraft, renderConfig } from '../../site/write-config.ts';
import { draftOf, readAnswers } from './answers.ts';
import type { Answers } from './questions.ts';
import { readFacts } from './facts.ts';

/** What this machine is to become. */
export interface Begun {
  role: string;
  hostname: string;
  /** A site that is not there yet. */
  site?: { dir: string; draft: ConfigDraft; text: string };
}

/**
 * Asks what this machine is to become, at the terminal or from a file, and changes nothing.
 * @param siteFile where the site is, or is to be
 * @returns undefined where the operator left
 * @throws ProloError `bad-input` for what the file says; `not-found` for a server whose site was not brought here
 */
export async function begin(siteFile: string, answersFile: string | undefined): Promise<Begun | undefined> {
  const hasSite = existsSync(siteFile);
  const facts = readFacts(hasSite);
  const ask = async (): Promise<Answers | undefined> => (await import('./wizard.ts')).askAtTerminal(facts);
  const answers =
    answersFile === undefined ? await ask() : readAnswers(await readText(answersFile), answersFile, facts);
  if (!answers) return undefined;
  const { role, hostname } = answers as { role: string; hostname: string };
  if (hasSite) return { role, hostname };
  if (role !== 'gw')
    throw new ProloError(
      'not-found',
      `site ${siteFile}: not here; a ${role} has its share of the gateway’s`,
      {
        hint: `on the gateway: prolo site export --role ${role} --host ${hostname} --out ${hostname}; then bring that folder here as ${dirname(siteFile)}`,
      },
    );
  const draft = draftOf(answers);
  const text = renderConfig(draft);
  parseConfig(text, siteFile);
  return { role, hostname, site: { dir: dirname(siteFile), draft, text } };
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: Error) => {
    throw new ProloError('not-found', `answers ${file}: ${cause.message}`, { cause });
  });
}

/** What comes next for an operator, a line each. */
export function nextSteps(role: string): string[] {
  const SERVER = ['prolo doctor                     what is not as it should be'];
  if (role !== 'gw') return SERVER;
  return [
    'reboot                           addresses and daemons come up as they will from now on',
    ...SERVER,
    'prolo udb import names.txt       people, and prolo udb sheet for their passwords',
    'prolo rfs init                   what PCs boot; then prolo rfs commit',
    'prolo mdb setting allow_self_registration true     and switch the PCs on',
  ];
}
