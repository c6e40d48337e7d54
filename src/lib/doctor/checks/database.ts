import { ProloError } from '../../errors.ts';
import { stepsToDo } from '../../store/migrations.ts';
import { hidePassword } from '../../store/store.ts';
import { check, green, NotChecked, type Patient, red } from '../check.ts';

interface Facts {
  url: string;
  /** Steps of the schema that it lacks. */
  lacks: string[];
  machines: number;
  users: number;
  /** What SQLite finds wrong with its file; empty: nothing. */
  damage: string[];
}

export const database = check({
  name: 'database',
  subject: 'the database and its schema',
  async gather({ site, store }: Patient): Promise<Facts> {
    if (!site.config.database) throw new NotChecked('this host has no database');
    const { knex, client, url } = await store();
    const lacks = await stepsToDo(knex).catch((error: unknown) => {
      // To be mended, unlike a file of the site that is wrong.
      throw error instanceof ProloError ? new ProloError('failed', error.message, hintOf(error)) : error;
    });
    if (lacks.length > 0) return { url: hidePassword(url), lacks, machines: 0, users: 0, damage: [] };
    const count = async (table: string): Promise<number> =>
      Number(((await knex(table).count({ n: '*' })) as { n: number }[])[0]!.n);
    const damage =
      client === 'sqlite'
        ? ((await knex.raw('pragma quick_check(3)')) as { quick_check: string }[])
            .map(({ quick_check: text }) => text)
            .filter((text) => text !== 'ok')
        : [];
    return {
      url: hidePassword(url),
      lacks,
      machines: await count('machines'),
      users: await count('users'),
      damage,
    };
  },
  decide({ url, lacks, machines, users, damage }: Facts) {
    if (lacks.length > 0)
      return [
        red(
          `${url}: its schema lacks ${lacks.join(', ')}`,
          'systemctl restart prolo-mdb brings it up to date',
        ),
      ];
    if (damage.length > 0)
      return [red(`${url}: damaged: ${damage[0]}`, 'prolo site restore FILE DIR, from the last backup')];
    return [green(`${url}: ${machines} machines, ${users} users`)];
  },
});

function hintOf({ hint }: ProloError): { hint?: string } {
  return hint === undefined ? {} : { hint };
}
