import { DAEMON_NEEDS, renderDaemonUnit, unitOf } from '../daemons.ts';
import type { Recipe, RecipeMaker } from '../recipe.ts';

/** A recipe for every daemon of a server: its unit, and what it cannot do without. */
export const daemonRecipes: readonly RecipeMaker[] = Object.keys(DAEMON_NEEDS).map(
  (name): RecipeMaker =>
    ({ site: { config }, distribution }): Recipe => {
      const { what, packages } = DAEMON_NEEDS[name]!;
      const path = `/etc/systemd/system/${unitOf(name)}`;
      return {
        name,
        summary: what,
        needs: ['prolo'],
        ...(packages ? { packages: packages[distribution] } : {}),
        files: [{ path, text: renderDaemonUnit(name, config) }],
        checks: [
          {
            argv: [
              ...'systemd-analyze verify --man=no --recursive-errors=no'.split(' '),
              unitOf(name).replace('@.', '@0.'),
            ],
            ifPresent: true,
          },
        ],
        // Those that `hfs.up` names; the unit of all is there in any case.
        units: name === 'hfs' ? config.hfs.up.map((number) => `prolo-hfs@${number}.service`) : [unitOf(name)],
      };
    },
);
