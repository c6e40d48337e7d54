import type { Knex } from 'knex';

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
};

export const migrationSource = {
  getMigrations: () => Promise.resolve(Object.keys(STEPS)),
  getMigrationName: (name: string) => name,
  getMigration: (name: string) => Promise.resolve({ up: STEPS[name]!, down: () => Promise.resolve() }),
};

export const newestMigration = Object.keys(STEPS).at(-1)!;
