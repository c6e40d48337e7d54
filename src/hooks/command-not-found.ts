import type { Hook } from '@oclif/core';
import { nearest } from '../lib/cli/nearest.ts';

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
    process.stderr.write(
      `prolo: ${command}: it does not take ${wanted.slice(command.length + 1)}\n` +
        `       \`prolo ${command} --help\` says what it takes\n`,
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
  process.stderr.write(
    `prolo: ${wanted}: no such command\n` +
      `       ${near.length > 0 ? `did you mean ${near.join(' or ')}?` : `\`prolo ${topic ? `${topic} --help` : 'help'}\` lists them`}\n`,
  );
  this.exit(2);
};

export default commandNotFound;
