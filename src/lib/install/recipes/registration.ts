import { renderTemplate } from '../../template.ts';
import type { RecipeMaker } from '../recipe.ts';

/** MDB knows the gateway once it has started, also where it was installed in a folder, or with the database that MDB is in. */
export const registration: RecipeMaker = () => ({
  name: 'registration',
  summary: 'the gateway tells MDB of itself',
  needs: ['prolo'],
  files: [
    {
      path: '/etc/systemd/system/prolo-registration.service',
      text: renderTemplate('install/registration.service', {}),
    },
  ],
  units: ['prolo-registration.service'],
});
