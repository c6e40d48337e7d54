import { ProloError } from '../../errors.ts';
import { PROLO } from '../../prolo-tree.ts';
import { seatEntries } from '../../rfs/root/configure.ts';
import type { RecipeMaker } from '../recipe.ts';

/** What `prolo rfs configure` puts into staging, as a recipe. */
export const seat: RecipeMaker = ({ site, distribution }) => ({
  name: 'seat',
  summary: 'what a PC of this site needs in the root filesystem that it boots',
  packages: [distribution === 'debian' ? 'libstdc++6' : 'gcc-libs'],
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
