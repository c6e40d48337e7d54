import { renderTemplate } from '../../template.ts';
import type { RecipeMaker } from '../recipe.ts';

const TFTP_DIR = '/srv/tftp';

/** What a BIOS and an UEFI fetch first: iPXE, under the names that DHCP tells them. */
export const tftp: RecipeMaker = ({ site: { config }, distribution }) => {
  const debian = distribution === 'debian';
  const unit = debian ? 'tftpd-hpa.service' : 'tftpd.service';
  const { biosFile, uefiFile } = config.dhcp;
  const source = debian ? '/usr/lib/ipxe' : '/usr/share/ipxe';
  return {
    name: 'tftp',
    summary: 'iPXE by TFTP, for BIOS and UEFI',
    packages: debian ? ['tftpd-hpa', 'ipxe'] : ['tftp-hpa', 'ipxe'],
    folders: [{ path: TFTP_DIR }],
    files: [
      {
        path: '/etc/tmpfiles.d/prolo-tftp.conf',
        text: renderTemplate('install/tftp-files.conf', {
          dir: TFTP_DIR,
          files: [
            { name: biosFile, source: `${source}/undionly.kpxe` },
            { name: uefiFile, source: `${source}/${debian ? '' : 'x86_64/'}ipxe.efi` },
          ],
        }),
      },
      // Debian's own is a script of before systemd; a unit of this name is what starts instead of it.
      {
        path: `/etc/systemd/system/${unit}`,
        text: renderTemplate('install/tftpd.service', { dir: TFTP_DIR, user: debian ? 'tftp' : 'nobody' }),
      },
    ],
    afterwards: [['systemd-tmpfiles', '--create', '/etc/tmpfiles.d/prolo-tftp.conf']],
    units: [unit],
  };
};
