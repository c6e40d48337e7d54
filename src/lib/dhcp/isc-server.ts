import { join } from 'node:path';
import { installChecked } from '../apply/install.ts';
import { ProloError } from '../errors.ts';
import { cleanText } from '../mdb/validate.ts';
import { writeFileAtomic } from '../write-file.ts';
import { refusal } from './blame.ts';
import { renderIsc } from './isc.ts';
import type { DhcpServer, ServerOptions } from './server.ts';

/**
 * ISC dhcpd, which can only be restarted. It tells nobody what it serves, so the first `bring` restarts it in any case,
 * and a later one where the files changed or the restart before it failed.
 */
export function createIscServer({ config, paths, runProgram, log }: ServerOptions): DhcpServer {
  const hostsFile = join(paths.dir, paths.names.iscHosts);
  let served: string | undefined;

  return {
    async bring(plan, signal) {
      const files = renderIsc(config, plan, hostsFile);
      const whole = files.config + files.hosts;
      if (whole === served) return;
      await installChecked(
        paths.dir,
        [
          { name: paths.names.iscHosts, text: files.hosts },
          { name: paths.names.isc, text: files.config },
        ],
        async (staging) => {
          // What it includes is the new file only in a copy of the configuration that says so.
          const copy = join(staging, 'check.conf');
          const newHosts = join(staging, paths.names.iscHosts);
          await writeFileAtomic(copy, renderIsc(config, plan, newHosts).config);
          const argv = config.dhcp.check.length > 0 ? config.dhcp.check : ['dhcpd', '-4', '-t', '-cf'];
          const result = await runProgram([...argv, copy], { signal });
          if (result && result.exitCode !== 0)
            throw refusal(argv[0]!, complaint(result.stdout + result.stderr), plan.hosts, files.hosts);
        },
      );
      const result = await runProgram(config.dhcp.reload, { signal });
      if (result && result.exitCode !== 0)
        throw new ProloError(
          'failed',
          `dhcpd: cannot restart: ${cleanText(result.stderr || result.stdout, 400)}`,
          {
            hint: `see \`dhcp.reload\` in prolo.yml: ${config.dhcp.reload.join(' ')}`,
          },
        );
      served = whole;
      log.info({ machines: plan.hosts.length }, 'dhcp: dhcpd restarted');
    },
    close: () => Promise.resolve(),
  };
}

/** What dhcpd says between its banner and its appeal for reports. */
function complaint(words: string): string {
  const [, after = words] = words.split(/^For info, please visit.*$/m);
  return after.split(/^Configuration file errors encountered/m)[0]!;
}
