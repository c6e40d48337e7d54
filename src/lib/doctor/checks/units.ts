import { existsSync } from 'node:fs';
import { runLight } from '../../exec.ts';
import { check, green, NotChecked, type Patient, red, yellow } from '../check.ts';

/** What systemd itself says has failed. */
export const units = check({
  name: 'units',
  subject: 'units of systemd on this host',
  async gather(_: Patient): Promise<string[]> {
    if (!existsSync('/run/systemd/system')) throw new NotChecked('systemd does not run here');
    const argv = [
      'systemctl',
      'list-units',
      '--state=failed',
      '--all',
      '--plain',
      '--no-legend',
      '--no-pager',
    ];
    return parseUnits((await runLight(argv, 4_000)).stdout);
  },
  decide(failed: string[]) {
    // Others may do without; ours may not.
    return failed.length > 0
      ? failed.map((unit) =>
          (OURS.test(unit) ? red : yellow)(
            `${unit}: failed`,
            `journalctl -u ${unit} -n 50; systemctl restart ${unit}`,
          ),
        )
      : [green('none has failed')];
  },
});

const OURS = /^(prolo-|named|bind9|kea-|isc-dhcp|dhcpd|tftpd|nginx|chrony|postgresql|nfs-|ssh)/;

/** @param text of `systemctl list-units --plain --no-legend` */
export function parseUnits(text: string): string[] {
  return text.split('\n').flatMap((line) => /^(?:● )?([\w@.:\\-]+\.\w+)\s/.exec(line)?.[1] ?? []);
}
