import { foldNodeset } from '../../nodeset.ts';
import { whyNot } from '../http.ts';
import { askExport } from '../nfs.ts';
import { check, green, type Patient, red } from '../check.ts';
import { rootServers } from '../root-servers.ts';

export interface Export {
  server: string;
  ip: string;
  path: string;
  /** Why it cannot be mounted. */
  trouble?: string;
}

const ASK_MS = 3_000;

/** The folder that machines boot from, asked of each root file server. */
export const nfs = check({
  name: 'nfs',
  subject: 'NFS of each root file server',
  async gather({ site, mdb, signal }: Patient): Promise<Export[]> {
    const view = await mdb();
    const { rfs, netboot } = site.config;
    return Promise.all(
      rootServers(view).map(async ({ numbers, hostname, ip }) => {
        const committed = numbers.some((number) => view.boots.has(number));
        return gatherExport({ server: hostname, ip, path: committed ? rfs.dir : netboot.nfsPath }, signal);
      }),
    );
  },
  decide(exports: Export[]) {
    const alike = new Map<string, string[]>();
    for (const { server, path, trouble } of exports)
      if (trouble !== undefined)
        alike.set(`${path}: ${trouble}`, [...(alike.get(`${path}: ${trouble}`) ?? []), server]);
    const found = [...alike].map(([what, servers]) =>
      red(
        `${foldNodeset(servers)}:${what}`,
        'prolo rfs exports, and on those servers: systemctl restart nfs-server',
      ),
    );
    return found.length > 0 ? found : [green(`${exports.length} servers, each with its export`)];
  },
});

export async function gatherExport(
  one: Pick<Export, 'server' | 'ip' | 'path'>,
  signal: AbortSignal,
  port = 2049,
): Promise<Export> {
  try {
    const trouble = await askExport(one.ip, one.path, { port, timeoutMs: ASK_MS, signal });
    return trouble === undefined ? one : { ...one, trouble };
  } catch (error) {
    return { ...one, trouble: whyNot(error, ASK_MS) };
  }
}
