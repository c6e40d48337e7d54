import { ProloError } from '../../errors.ts';
import { PROLO } from '../../prolo-tree.ts';
import { seatEntries } from '../../rfs/root/configure.ts';
import type { RecipeMaker } from '../recipe.ts';

/** What is run by prolo's parts on a PC: Node, PAM's hook, presenced, the doctor; and what its initramfs is made of. */
const PACKAGES = {
  debian:
    'libstdc++6 libpam-modules curl nbd-client e2fsprogs kmod iproute2 ethtool busybox-static cryptsetup-bin',
  arch: 'gcc-libs pam curl nbd e2fsprogs kmod iproute2 ethtool busybox cryptsetup',
};

/** What `prolo rfs configure` puts into staging, as a recipe. */
export const seat: RecipeMaker = ({ site, distribution }) => ({
  name: 'seat',
  summary: 'what a PC of this site needs in the root filesystem that it boots',
  packages: PACKAGES[distribution].split(' '),
  trees: [
    {
      path: '',
      what: 'what a PC of this site needs',
      entries: (root) => {
        if (root !== '/') return seatEntries(site, root);
        throw new ProloError('bad-input', 'recipe seat: this host is no PC that boots from the site', {
          hint: `--root FOLDER, such as ${site.config.rfs.staging}`,
        });
      },
    },
  ],
  checks: [{ argv: [`/${PROLO}/node`, '--version'] }],
});
