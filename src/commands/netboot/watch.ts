import { Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import type { StageReport } from '../../lib/netboot/stages.ts';

export default class NetbootWatch extends BaseCommand<typeof NetbootWatch> {
  static override description =
    'show live which machine is at which stage of its boot, since when, and who is stuck';
  static override examples = [
    '<%= config.bin %> netboot watch',
    '<%= config.bin %> netboot watch --once --json',
  ];
  static override flags = {
    once: Flags.boolean({ description: 'as it is now, then end' }),
    url: Flags.string({ description: "netboot's address; left out: the site's", helpValue: 'URL' }),
  };

  async run(): Promise<unknown> {
    const [client, view, { netbootUrl }] = await Promise.all([
      import('../../lib/netboot/watch-client.ts'),
      import('../../lib/netboot/watch-view.ts'),
      import('../../lib/netboot/boot.ts'),
    ]);
    const base = this.flags.url?.replace(/\/$/, '') ?? netbootUrl((await this.site()).config);
    if (this.flags.once) {
      const reports = view.watchOrder(await client.fetchStages(base));
      await this.print(reports);
      return reports;
    }
    const ended = new AbortController();
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => ended.abort());
    const machines = new Map<string, StageReport>();
    const live = process.stdout.isTTY && !this.jsonEnabled();
    const draw = async (): Promise<void> => {
      const reports = view.watchOrder([...machines.values()].map((report) => view.aged(report, Date.now())));
      process.stdout.write('\u001b[H\u001b[J');
      await this.print(reports.slice(0, Math.max(1, process.stdout.rows - 3)), view.watchSummary(reports));
    };
    const timer = live ? setInterval(() => void draw(), 1000) : undefined;
    try {
      for await (const report of client.followStages(base, ended.signal, (text) => this.note(text))) {
        machines.set(report.mac, report);
        if (this.jsonEnabled()) process.stdout.write(`${JSON.stringify(report)}\n`);
        else if (!live) this.log(view.watchLine(report));
      }
    } finally {
      clearInterval(timer);
    }
    return undefined;
  }

  private async print(reports: readonly StageReport[], summary?: string): Promise<void> {
    const [{ table }, { WATCH_COLUMNS, watchCells, watchSummary }] = await Promise.all([
      import('../../lib/cli/table.ts'),
      import('../../lib/netboot/watch-view.ts'),
    ]);
    this.log(summary ?? watchSummary(reports));
    if (reports.length > 0) this.log(table(WATCH_COLUMNS, reports.map(watchCells)));
  }
}
