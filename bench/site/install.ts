import { atMost, type Bench, median } from '../figure.ts';
import { makeGateway } from '../support/install-root.ts';
import { runMeasured, type Took } from '../support/measured.ts';

const RUNS = 3;

/** `prolo install gw` where nothing is to change, against a playbook of the same files, packages, users and units; both on the gateway. */
const bench: Bench = async (report, { short }) => {
  const gateway = await makeGateway(report);
  try {
    const runs = short ? 1 : RUNS;
    const took: Record<'prolo' | 'ansible', Took[]> = { prolo: [], ansible: [] };
    for (let run = -1; run < runs; run++)
      for (const side of run % 2 ? (['prolo', 'ansible'] as const) : (['ansible', 'prolo'] as const)) {
        const one = await measureUnchanged(side, gateway[side]);
        if (run >= 0) took[side].push(one);
      }
    const of = (side: keyof typeof took, field: 'wallS' | 'cpuS'): number =>
      median(took[side].map((one) => one[field]));
    const { recipes } = gateway;
    const count = (of: 'files' | 'packages' | 'units'): number =>
      new Set(recipes.flatMap((recipe): readonly unknown[] => recipe[of] ?? [])).size;
    const what = `${count('packages')} packages, ${count('files')} files, ${count('units')} units`;
    report(
      `${what}; prolo ${of('prolo', 'wallS').toFixed(2)} s, ${of('prolo', 'cpuS').toFixed(2)} s CPU; ansible-playbook ${of('ansible', 'wallS').toFixed(1)} s, ${of('ansible', 'cpuS').toFixed(1)} s CPU`,
    );
    return (['wallS', 'cpuS'] as const).map((field) =>
      atMost(
        field === 'wallS' ? 'install-unchanged' : 'install-unchanged-cpu',
        of('prolo', field) / of('ansible', field),
        0.2,
        `${of('prolo', field).toFixed(2)} s${field === 'cpuS' ? ' of CPU' : ''} for ${what}; ansible-playbook, without prolo’s own program: ${of('ansible', field).toFixed(2)} s`,
        runs,
      ),
    );
  } finally {
    await gateway.remove();
  }
};
export default bench;

/** @throws Error where something was changed after all */
async function measureUnchanged(side: 'prolo' | 'ansible', argv: readonly string[]): Promise<Took> {
  let said = '';
  const env = { PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  const took = await runMeasured(argv, {
    env,
    onOutput: (part) => (said += part.toString()),
    timeoutMs: 600_000,
  }).catch((error: Error) => {
    throw new Error(`${error.message}: ${said.slice(-3000)}`);
  });
  const unchanged =
    side === 'prolo' ? said === 'nothing to do\n' : /ok=\d+ +changed=0 +unreachable=0 +failed=0/.test(said);
  if (!unchanged) throw new Error(`${side}: is not without changes: ${said.slice(-3000)}`);
  return took;
}
