import { renderTemplate } from '../../template.ts';
import type { RecipeMaker } from '../recipe.ts';

/** One file server that sends pause frames stops every PC of its switch. */
export const nicConfiguration: RecipeMaker = () => ({
  name: 'nic-configuration',
  summary: 'no Ethernet flow control',
  files: [
    {
      path: '/etc/systemd/network/90-prolo-nic.link',
      text: renderTemplate('install/network/nic.link', {}),
    },
  ],
  afterwards: [
    ['udevadm', 'control', '--reload'],
    ['udevadm', 'trigger', '--action=add', '--subsystem-match=net', '--settle'],
  ],
});
