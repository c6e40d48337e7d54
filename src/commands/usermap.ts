import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';

export default class Usermap extends BaseCommand<typeof Usermap> {
  static override summary = 'draw the rooms: who sits where, what is free, faulty or down';
  static override description = `An SVG of the seats that seats.csv beside prolo.yml has (columns room, hostname, x, y). The daemon usermap serves \
the same, kept fresh.`;
  static override examples = [
    '<%= config.bin %> usermap --draft',
    '<%= config.bin %> usermap --out rooms.svg',
    '<%= config.bin %> usermap --room pasteur --alive --out pasteur.svg',
  ];
  static override flags = {
    draft: Flags.boolean({ description: 'write a plan of the machines there are, to be changed by hand' }),
    plan: Flags.string({ description: 'another plan than seats.csv', helpValue: 'FILE' }),
    room: Flags.string({ description: 'only that room', multiple: true, helpValue: 'ROOM' }),
    alive: Flags.boolean({ description: 'ask who answers; who does not is down' }),
    out: Flags.string({ char: 'o', description: 'write it there', helpValue: 'FILE' }),
  };

  async run() {
    const [{ readMachines }, { draftPlan, planFile, readPlan }, { ProloError }] = await Promise.all([
      import('../lib/mdb/source.ts'),
      import('../lib/usermap/plan.ts'),
      import('../lib/errors.ts'),
    ]);
    const site = await this.site();
    const { flags } = this;
    const machines = await readMachines(site, () => this.store());
    if (flags.draft) {
      const file = flags.out ?? flags.plan ?? planFile(site);
      const { existsSync } = await import('node:fs');
      if (existsSync(file))
        throw new ProloError('conflict', `seat plan ${file}: there is one`, {
          hint: 'write another with --out FILE, and compare',
        });
      const { writeFileAtomic } = await import('../lib/write-file.ts');
      await writeFileAtomic(file, draftPlan(machines));
      this.log(`${file}: move seats about in it, then \`prolo usermap --out rooms.svg\``);
      return { file };
    }
    const plan = (await readPlan(flags.plan ?? planFile(site))).filter(
      ({ room }) => !flags.room || flags.room.includes(room),
    );
    if (plan.length === 0)
      throw new ProloError(
        'not-found',
        `seat plan: no seat${flags.room ? ` in ${flags.room.join(', ')}` : ''}`,
      );
    const [{ readLogins }, { seatFacts }, { countStates, drawMap }] = await Promise.all([
      import('../lib/presence/source.ts'),
      import('../lib/usermap/facts.ts'),
      import('../lib/usermap/draw.ts'),
    ]);
    const logins = await readLogins(site, () => this.store());
    const seats = seatFacts(plan, {
      machines,
      logins: new Map(logins.map(({ login, hostname }) => [hostname, login])),
      alive: flags.alive
        ? await (await import('../lib/ssh/alive.ts')).findAlive(machines, site.config.ssh.port)
        : undefined,
    });
    const svg = drawMap(seats, new Date());
    if (flags.out === undefined) this.log(svg.trimEnd());
    else {
      const { writeFileAtomic } = await import('../lib/write-file.ts');
      await writeFileAtomic(flags.out, svg, 0o644);
      this.log(`${flags.out}: ${countStates(seats)}`);
    }
    return { seats };
  }
}
