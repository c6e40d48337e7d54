import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import type { ServerKind } from '../../lib/rfs/serve.ts';

export default class RfsExports extends BaseCommand<typeof RfsExports> {
  static override summary = "what a root file server's NFS and HTTP servers are told";
  static override description = `Versions are read-only there, and only the networks of machines may ask. Run it on each root file server; it is printed, or with \
--write put where Debian's packages look for it.`;
  static override examples = [
    '<%= config.bin %> rfs exports --nfs --write',
    '<%= config.bin %> rfs exports --ganesha --address 192.168.0.10',
    '<%= config.bin %> rfs exports --nginx --to /etc/nginx/conf.d/rfs.conf',
  ];
  static override flags = {
    nfs: Flags.boolean({ description: "exports(5) of the kernel's NFS server" }),
    ganesha: Flags.boolean({ description: 'ganesha.conf, where the kernel has no NFS server' }),
    nginx: Flags.boolean({
      description: 'a server of nginx, for kernels and initramfs; nginx checks it first',
    }),
    address: Flags.string({ description: 'listen on this address only', helpValue: 'IP' }),
    port: Flags.integer({ description: 'in place of the usual one', min: 1, max: 65535 }),
    state: Flags.string({ description: "where ganesha keeps its clients' names", helpValue: 'DIR' }),
    write: Flags.boolean({ description: 'put it into place', exclusive: ['to'] }),
    to: Flags.string({ description: 'put it there', helpValue: 'FILE' }),
  };

  async run() {
    const [{ DEFAULT_FILES, RELOADS, renderServing, SERVERS }, { ProloError }, { isIPv4 }] =
      await Promise.all([
        import('../../lib/rfs/serve.ts'),
        import('../../lib/errors.ts'),
        import('node:net'),
      ]);
    const { address, port, state, write, to } = this.flags;
    const [kind, more] = SERVERS.filter((one: ServerKind) => this.flags[one]);
    if (kind === undefined || more !== undefined)
      throw new ProloError('bad-input', 'rfs exports: for which server?', {
        hint: 'one of --nfs, --ganesha and --nginx',
      });
    const vain = [
      ...(kind === 'nfs' && address !== undefined ? ['--address'] : []),
      ...(kind === 'nfs' && port !== undefined ? ['--port'] : []),
      ...(kind !== 'ganesha' && state !== undefined ? ['--state'] : []),
    ];
    if (vain.length > 0)
      throw new ProloError('bad-input', `rfs exports: --${kind} knows no ${vain.join(', ')}`, {
        hint: kind === 'nfs' ? "nfs.conf(5) says where the kernel's server listens" : 'leave it out',
      });
    if (address !== undefined && !isIPv4(address))
      throw new ProloError('bad-input', `rfs exports: --address ${address}: no IPv4 address`);
    const text = renderServing(await this.site(), kind, {
      ...(address === undefined ? {} : { address }),
      ...(port === undefined ? {} : { port }),
      ...(state === undefined ? {} : { stateDir: state }),
    });
    const file = to ?? (write ? DEFAULT_FILES[kind] : undefined);
    if (file === undefined) this.log(text.trimEnd());
    else {
      const { installServing } = await import('../../lib/rfs/install-serving.ts');
      await installServing(kind, file, text);
      this.log(`${file}: written; it counts after \`${RELOADS[kind]}\``);
    }
    return { kind, file: file ?? null, text };
  }
}
