import type { Hook } from '@oclif/core';
import { nearest } from '../lib/cli/nearest.ts';
import { ProloError } from '../lib/errors.ts';

/** `prolo mdb lst`: what it may have meant. */
const commandNotFound: Hook.CommandNotFound = async function ({ id, config }) {
  const wanted = id.replaceAll(':', ' ');
  const known = [...config.commandIDs, ...config.topics.map(({ name }) => name)].map((name) =>
    name.replaceAll(':', ' '),
  );
  const topic = known.find((name) => wanted.startsWith(`${name} `));
  const command = config.commandIDs
    .map((name) => name.replaceAll(':', ' '))
    .find((name) => wanted.startsWith(`${name} `));
  if (command !== undefined) {
    tell(
      `${command}: it does not take ${wanted.slice(command.length + 1)}`,
      `\`prolo ${command} --help\` says what it takes`,
    );
    return this.exit(2);
  }
  const words = wanted.split(' ');
  const near = (
    words
      .slice(topic?.split(' ').length ?? 0)
      .map((_, i) => nearest(words.slice(0, words.length - i).join(' '), known)) // what follows may be arguments
      .find((found) => found.length > 0) ?? []
  ).map((command) => `\`prolo ${command}\``);
  tell(
    `${wanted}: no such command`,
    near.length > 0
      ? `did you mean ${near.join(' or ')}?`
      : `\`prolo ${topic ? `${topic} --help` : 'help'}\` lists them`,
  );
  this.exit(2);
};

/** As any command would: one document with `--json`, which no command is there to read. */
function tell(message: string, hint: string): void {
  const words = process.argv.slice(2);
  const end = words.indexOf('--');
  if (!words.slice(0, end < 0 ? undefined : end).includes('--json'))
    process.stderr.write(`prolo: ${message}\n       ${hint}\n`);
  else {
    const { kind, exitStatus } = new ProloError('bad-input', message, { hint });
    process.stdout.write(`${JSON.stringify({ error: { kind, message, hint, exitStatus } }, undefined, 2)}\n`);
  }
}

export default commandNotFound;
