import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { atMost, type Bench, median } from '../figure.ts';
import { runOk } from '../../src/lib/exec.ts';
import type { Took } from '../support/measured.ts';
import { medianOf, PEERS, type SshBench, startSshBench } from '../support/ssh.ts';

const RUNS = 9;
const WARM_UPS = 2;

/** One more command on connections that are open: the prompt's, and those that OpenSSH keeps. */
const bench: Bench = async (report) => {
  const ssh = await startSshBench();
  const kept = ssh.config('kept', [
    'KexAlgorithms curve25519-sha256',
    'ControlMaster auto',
    `ControlPath ${ssh.sshd.dir}/kept-%h`,
    'ControlPersist 120',
  ]);
  const prompt = startPrompt(ssh);
  try {
    const ours: number[] = [];
    const theirs: Took[] = [];
    for (let run = -WARM_UPS; run < RUNS; run++) {
      const word = `answer-${run + WARM_UPS}`;
      const { argv, env = {} } = PEERS.pdsh!(`echo ${word}`, kept, ssh.test.site.config.ssh.fanout);
      const took = await ssh.run(argv, { env });
      const wallS = await prompt.ask(word);
      if (run < 0) continue;
      theirs.push(took);
      ours.push(wallS);
    }
    const [oursS, theirsS] = [median(ours), medianOf(theirs, 'wallS')];
    const against = `${oursS.toFixed(3)} s; pdsh with ControlPersist: ${theirsS.toFixed(2)} s`;
    report(against);
    return [
      atMost('ssh-kept-s', oursS, 0.35, 's from the line to the answer of all', RUNS),
      atMost('ssh-kept', oursS / theirsS, 0.333, against, RUNS),
    ];
  } finally {
    await prompt.stop();
    await Promise.allSettled(
      ssh.hostnames.map((_, i) =>
        runOk(['ssh', '-F', kept, '-O', 'exit', ssh.sshd.ip(i + 1)], { timeoutMs: 20_000 }),
      ),
    );
    await ssh.close();
  }
};
export default bench;

interface Prompt {
  /** @returns seconds until the answer of all was there */
  ask(word: string): Promise<number>;
  stop(): Promise<void>;
}

function startPrompt(ssh: SshBench): Prompt {
  const [node, ...args] = ssh.prolo('pssh', '--interactive', '--yes', '@all');
  const child = spawn(node!, args, { env: ssh.env, stdio: ['pipe', 'pipe', 'ignore'] });
  const gone = once(child, 'close');
  let said = '';
  let told: () => void = () => undefined;
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    said += part;
    told();
  });
  return {
    async ask(word) {
      const startMs = performance.now();
      said = '';
      // Gathered, so it is there once, when the last machine has answered.
      const answered = new Promise<void>((resolve) => (told = () => said.includes(`${word}\n`) && resolve()));
      child.stdin.write(`echo ${word}\n`);
      const ended = await Promise.race([answered, gone]);
      if (ended) throw new Error(`the prompt has ended: ${said.slice(-500)}`);
      if (!said.includes(`(${ssh.hostnames.length})`))
        throw new Error(`not all answered: ${said.slice(0, 500)}`);
      return (performance.now() - startMs) / 1000;
    },
    async stop() {
      child.stdin.end();
      await gone;
    },
  };
}
