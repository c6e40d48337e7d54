import { atMost, type Bench } from '../figure.ts';
import type { Took } from '../support/measured.ts';
import { interleave, leastOf, medianOf, PEERS, type SshBench, startSshBench } from '../support/ssh.ts';

const RUNS = 5;
const RUNS_AS_SHIPPED = 2;

/** `true` on all, from nothing: the program starts, connects everywhere, and is gone. */
const bench: Bench = async (report) => {
  const ssh = await startSshBench();
  try {
    const { fanout } = ssh.test.site.config.ssh;
    const names = Object.keys(PEERS);
    const prolo = { prolo: () => ssh.run(ssh.prolo('pssh', '--yes', '@all', '--', 'true')) };
    const alike = await interleave<string>({ ...prolo, ...peers(ssh, ssh.configs.alike, fanout) }, RUNS);
    const asShipped = await interleave<string>(
      { ...prolo, ...peers(ssh, ssh.configs.asShipped) },
      RUNS_AS_SHIPPED,
      0,
    );
    for (const [text, took] of [
      ['', alike],
      [', as shipped', asShipped],
    ] as const)
      for (const [name, runs] of Object.entries(took))
        report(
          `${name}${text}: ${medianOf(runs, 'wallS').toFixed(2)} s, ${medianOf(runs, 'cpuS').toFixed(2)} s CPU`,
        );
    const wall = against(alike, leastOf(alike, names, 'wallS'), 'wallS');
    const cpu = against(alike, leastOf(alike, names, 'cpuS'), 'cpuS');
    const shipped = against(asShipped, leastOf(asShipped, names, 'wallS'), 'wallS');
    return [
      atMost('ssh-cold-wall', wall.ratio, 1.1, wall.text, RUNS),
      atMost('ssh-cold-cpu', cpu.ratio, 0.5, cpu.text, RUNS),
      atMost('ssh-cold-wall-as-shipped', shipped.ratio, 0.333, shipped.text, RUNS_AS_SHIPPED),
    ];
  } finally {
    await ssh.close();
  }
};
export default bench;

function peers(ssh: SshBench, config: string, fanout?: number): Record<string, () => Promise<Took>> {
  return Object.fromEntries(
    Object.entries(PEERS).map(([name, peer]) => {
      const { argv, env = {} } = peer('true', config, fanout);
      return [name, () => ssh.run(argv, { env })];
    }),
  );
}

function against(
  took: Record<string, Took[]>,
  peer: string,
  field: 'wallS' | 'cpuS',
): { ratio: number; text: string } {
  const [ours, theirs] = [medianOf(took.prolo!, field), medianOf(took[peer]!, field)];
  const what = field === 'wallS' ? 's' : 's of CPU';
  return {
    ratio: ours / theirs,
    text: `${ours.toFixed(2)} ${what}; the best peer, ${peer}: ${theirs.toFixed(2)} ${what}`,
  };
}
