import type { Knex } from 'knex';
import { ProloError } from '../errors.ts';

/**
 * The schema, as steps that are never edited once released. `names` holds every hostname and alias of the site, so
 * that the database itself refuses a clash between any two of them.
 */
const STEPS: Record<string, (tx: Knex) => Promise<void>> = {
  '001-core': async (tx) => {
    await tx.schema.createTable('store_lock', (t) => {
      t.integer('id').primary();
      t.bigInteger('turn').notNullable();
    });
    await tx('store_lock').insert({ id: 1, turn: 0 });
    await tx.schema.createTable('machines', (t) => {
      t.increments('id');
      t.string('hostname', 63).notNullable().unique();
      t.string('mac', 17).notNullable().unique();
      t.string('ip', 15).notNullable().unique();
      t.integer('rfs').notNullable();
      t.integer('hfs').notNullable();
      t.string('mtype', 16).notNullable();
      t.string('room', 63).notNullable();
      t.boolean('is_faulty').notNullable().defaultTo(false);
      t.text('is_faulty_details').notNullable().defaultTo('');
      t.string('boot_once', 63);
    });
    await tx.schema.createTable('names', (t) => {
      t.string('name', 63).primary();
      t.integer('machine_id').notNullable().references('machines.id').onDelete('CASCADE').index();
      t.integer('position').notNullable(); // 0: the hostname; aliases from 1, in their order
    });
    await tx.schema.createTable('switches', (t) => {
      t.increments('id');
      t.string('name', 63).notNullable().unique();
      t.string('chassis', 17).notNullable().unique();
      t.integer('rfs').notNullable();
      t.integer('hfs').notNullable();
      t.string('room', 63).notNullable();
    });
    await tx.schema.createTable('settings', (t) => {
      t.string('key', 63).primary();
      t.text('value').notNullable();
    });
    await tx.schema.createTable('users', (t) => {
      t.increments('id');
      t.string('login', 32).notNullable().unique();
      t.string('firstname', 64).notNullable();
      t.string('lastname', 64).notNullable();
      t.integer('uid').notNullable().unique();
      t.string('group', 16).notNullable();
      t.string('password_hash', 255).notNullable();
      t.text('password_sealed'); // null: only the hash is known
      t.string('shell', 255).notNullable();
      t.text('ssh_key').notNullable().defaultTo('');
    });
    await tx.schema.createTable('changes', (t) => {
      t.increments('seq');
      t.string('feed', 16).notNullable();
      t.string('at', 32).notNullable(); // ISO 8601, UTC
      t.string('actor', 128).notNullable();
      t.text('updates').notNullable(); // one line of the feed, as JSON
      t.index(['feed', 'seq']);
    });
    await tx.schema.createTable('audit', (t) => {
      t.increments('id');
      t.string('at', 32).notNullable();
      t.string('actor', 128).notNullable();
      t.string('action', 63).notNullable();
      t.text('details').notNullable();
    });
  },
  '002-homes': async (tx) => {
    await tx.schema.createTable('presence', (t) => {
      t.string('login', 32).primary();
      t.string('hostname', 63).notNullable().unique();
      t.string('ip', 15).notNullable();
      t.string('since', 32).notNullable(); // ISO 8601, UTC
    });
    // Sessions that logged out, so that a heartbeat which comes late revives none of them.
    await tx.schema.createTable('presence_ended', (t) => {
      t.string('login', 32).notNullable();
      t.string('hostname', 63).notNullable();
      t.primary(['login', 'hostname']);
    });
    await tx.schema.createTable('homes', (t) => {
      t.string('login', 32).primary();
      t.integer('hfs').notNullable().index();
      t.integer('epoch').notNullable();
      t.integer('last_epoch').notNullable(); // the highest ever handed out
      t.string('state', 16).notNullable(); // creating, here, moving
      t.integer('target'); // of a move
      t.integer('target_epoch');
      t.bigInteger('size_bytes').notNullable();
      t.string('changed_at', 32).notNullable();
    });
    await tx.schema.createTable('quotas', (t) => {
      t.string('login', 32).primary();
      t.bigInteger('size_bytes').notNullable();
    });
  },
  '003-rfs': async (tx) => {
    await tx.schema.createTable('rfs_versions', (t) => {
      t.integer('version').primary();
      t.text('manifest').notNullable(); // JSON
      t.string('tag', 63);
    });
    // What the machines of an RFS boot.
    await tx.schema.createTable('rfs_boots', (t) => {
      t.integer('rfs').primary();
      t.integer('version').notNullable().references('rfs_versions.version');
    });
    // Machines that try another one.
    await tx.schema.createTable('rfs_canaries', (t) => {
      t.integer('machine_id').primary().references('machines.id').onDelete('CASCADE');
      t.integer('version').notNullable().references('rfs_versions.version');
    });
  },
  '004-lifecycle': async (tx) => {
    await tx.raw('alter table rfs_versions drop column tag'); // nothing ever wrote it
    await tx.schema.alterTable('rfs_versions', (t) => {
      t.string('booted_at', 32); // since when it was ever booted by all machines of an RFS
      t.string('left_at', 32); // when the last one that booted it was told another
      t.string('pruned_at', 32); // its files are gone, or going; its number is never given again
    });
    await tx.schema.createTable('rfs_tags', (t) => {
      t.string('name', 63).primary();
      t.integer('version').notNullable().references('rfs_versions.version');
    });
    // What a machine says that it runs.
    await tx.schema.createTable('rfs_running', (t) => {
      t.integer('machine_id').primary().references('machines.id').onDelete('CASCADE');
      t.integer('version').notNullable().references('rfs_versions.version');
      t.string('kernel', 64).notNullable();
      t.string('seen_at', 32).notNullable();
    });
    // What a server has proved that it has.
    await tx.schema.createTable('rfs_copies', (t) => {
      t.integer('machine_id').notNullable().references('machines.id').onDelete('CASCADE');
      t.integer('version').notNullable().references('rfs_versions.version');
      t.string('verified_at', 32).notNullable();
      t.text('damage').notNullable().defaultTo(''); // files with other bytes, by commas
      t.primary(['machine_id', 'version']);
    });
    // Before it was written down, a server had proved what its machines boot.
    const at = new Date().toISOString();
    const boots = (await tx('rfs_boots').select('rfs', 'version')) as { rfs: number; version: number }[];
    for (const { rfs, version } of boots) {
      await tx('rfs_versions').where({ version }).update({ booted_at: at });
      const server = (await tx('names')
        .where({ name: `rfs${rfs}` })
        .first('machine_id')) as { machine_id: number } | undefined;
      if (server)
        await tx('rfs_copies')
          .insert({ ...server, version, verified_at: at })
          .onConflict(['machine_id', 'version'])
          .ignore();
    }
  },
  '005-contest': async (tx) => {
    // One row: whether the contest runs. What it says is for all to reach.
    await tx.schema.createTable('contest', (t) => {
      t.integer('id').primary(); // 1
      t.integer('epoch').notNullable();
      t.string('starts_at', 32); // ISO 8601, UTC, as the others
      t.string('ends_at', 32);
      t.string('changed_at', 32).notNullable();
      t.string('changed_by', 128).notNullable();
    });
    // What those who follow it say that they have reached.
    await tx.schema.createTable('contest_applied', (t) => {
      t.string('consumer', 63).primary();
      t.integer('epoch').notNullable();
      t.string('phase', 16).notNullable();
      t.text('problem').notNullable().defaultTo('');
      t.string('seen_at', 32).notNullable();
    });
  },
  '006-home-sets': async (tx) => {
    // A person has a home of each set; those that there are keep their names and their places on the servers.
    const homes = (await tx('homes').select()) as object[];
    await tx.schema.dropTable('homes');
    await tx.schema.createTable('homes', (t) => {
      t.string('login', 32).notNullable();
      t.string('set', 16).notNullable();
      t.integer('hfs').notNullable().index();
      t.integer('epoch').notNullable();
      t.integer('last_epoch').notNullable(); // the highest ever handed out
      t.string('state', 16).notNullable(); // creating, here, moving
      t.integer('target'); // of a move
      t.integer('target_epoch');
      t.bigInteger('size_bytes').notNullable();
      t.string('changed_at', 32).notNullable();
      t.primary(['login', 'set']);
    });
    await tx.batchInsert(
      'homes',
      homes.map((home) => ({ ...home, set: 'usual' })),
      50,
    );
    // Which of their homes a session was given, for as long as it lasts.
    await tx.schema.createTable('home_sessions', (t) => {
      t.string('login', 32).primary();
      t.string('set', 16).notNullable();
      t.string('hostname', 63).notNullable(); // as presence has it
      t.string('since', 32).notNullable();
    });
    const sessions = (await tx('presence').select('login', 'hostname', 'since')) as object[];
    await tx.batchInsert(
      'home_sessions',
      sessions.map((session) => ({ ...session, set: 'usual' })),
      50,
    );
    // Who gets the homes of that set, whether the contest runs or not.
    await tx.schema.createTable('home_choices', (t) => {
      t.string('login', 32).primary();
      t.string('set', 16).notNullable();
    });
    // A contest that runs already goes on with the homes that it found.
    await tx.schema.alterTable('contest', (t) => {
      t.string('homes', 16).notNullable().defaultTo('usual');
    });
  },
};

export const newestMigration = Object.keys(STEPS).at(-1)!;

/** The steps that a database has seen; none for a new one, and for one that cannot be read: the next use of it says why. */
async function stepsDone(db: Knex): Promise<string[]> {
  try {
    return ((await db('migrations').select('name')) as { name: string }[]).map(({ name }) => name);
  } catch {
    return [];
  }
}

/** The steps that a database lacks. @throws ProloError `config` for one that a later prolo has changed */
export async function stepsToDo(db: Knex): Promise<string[]> {
  const done = await stepsDone(db);
  const unknown = done.find((name) => !Object.hasOwn(STEPS, name));
  if (unknown !== undefined)
    throw new ProloError('config', `database: step ${unknown} of its schema is not known to this prolo`, {
      hint: 'a later version made it; use that one',
    });
  return Object.keys(STEPS).filter((name) => !done.includes(name));
}

/**
 * Brings the schema up to date, all or nothing: a process that is killed meanwhile leaves what was there before, and two
 * that come at once do it once.
 */
export async function migrate(knex: Knex, client: 'sqlite' | 'pg'): Promise<void> {
  await knex.transaction(async (tx) => {
    if (client === 'pg') await tx.raw('select pg_advisory_xact_lock(77001)');
    await tx.raw('create table if not exists migrations (name varchar(63) primary key)');
    await tx('migrations').where({ name: '' }).delete(); // a write, for SQLite's lock where the table was there
    for (const name of await stepsToDo(tx)) {
      await STEPS[name]!(tx);
      await tx('migrations').insert({ name });
    }
  });
}
