import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kernelDir, needKernel } from '../../src/lib/lab/kernel.ts';
import { createLab, type Lab, type LabOptions } from '../../src/lib/lab/lab.ts';
import { LAB_PROGRAMS } from '../../src/lib/lab/packages.ts';
import { startServers } from '../../src/lib/lab/servers.ts';
import { labDraft, makeLabSite } from '../../src/lib/lab/site.ts';
import type { Site } from '../../src/lib/site/site.ts';
import type { ConfigDraft } from '../../src/lib/site/write-config.ts';
import { proloBin } from './cli.ts';
import { needs } from './needs.ts';

/** How long one step of a boot may take here, where others may use the processor too. */
export const STEP_MS = 90_000;

/** A lab with the sample site and real servers, everything up. */
export interface TestLab extends Lab {
  site: Site;
  /** The real command, on the lab's gateway. @throws when it fails */
  prolo(...args: string[]): Promise<string>;
  /** What the name server answers, a line a record; `from` is an address of this lab. */
  dig(server: string, ...question: string[]): Promise<string[]>;
}

/** Skips where the lab cannot be: not root's process, a program or the guests' kernel missing. */
export function needsLab(context: Mocha.Context): void {
  needs(context, { ...LAB_PROGRAMS, [`${kernelDir()}/lib/modules`]: 'linux-image-cloud-amd64, see .ci/run' });
  if (process.getuid?.() === 0) return;
  if (process.env.CI === 'true') throw new Error('the lab needs root');
  context.skip();
}

/** Call it in `before`; `stop` belongs in `after`, and takes everything away. */
export async function startTestLab(
  draft: ConfigDraft = labDraft,
  options: LabOptions = {},
): Promise<TestLab> {
  const dir = mkdtempSync(join(tmpdir(), 'prolo-e2e-'));
  let lab: Lab | undefined;
  const stop = async (): Promise<void> => {
    await lab?.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const site = await makeLabSite(join(dir, 'site'), needKernel(kernelDir()), draft);
    const made = (lab = await createLab(site.config, { ...options, dir, keep: true }));
    await startServers(lab, site);
    return {
      ...lab,
      site,
      stop,
      async prolo(...args) {
        const { exitCode, stdout, stderr } = await made.run([process.execPath, proloBin, ...args], {
          env: { PROLO_CONFIG: site.file },
          timeoutMs: STEP_MS,
        });
        if (exitCode !== 0) throw new Error(`prolo ${args.join(' ')}: status ${exitCode}: ${stderr}`);
        return stdout;
      },
      async dig(server, ...question) {
        const { stdout } = await made.run([
          'dig',
          '+short',
          '+time=2',
          '+tries=2',
          `@${server}`,
          ...question,
        ]);
        return stdout.split('\n').filter((line) => line !== '');
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Asks again until the answer is right, as one does after a change: it takes effect within a moment. */
export async function eventually<T>(
  ask: () => Promise<T>,
  isRight: (answer: T) => boolean,
  waitMs = 10_000,
): Promise<T> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const answer = await ask();
    if (isRight(answer) || Date.now() > deadline) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
