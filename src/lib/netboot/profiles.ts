import { ProloError } from '../errors.ts';
import { quote } from '../mdb/validate.ts';
import type { Config } from '../site/schema.ts';

/**
 * The profile to boot once, or null to clear it.
 * @throws ProloError `bad-input` for neither, both, or a profile that the config does not have
 */
export function checkProfile(config: Config, profile: string | undefined, clear: boolean): string | null {
  const known = Object.keys(config.netboot.profiles).join(', ');
  if (clear === (profile !== undefined))
    throw new ProloError('bad-input', 'netboot once: name a profile, or give --clear', {
      hint: `profiles: ${known}`,
    });
  if (profile === undefined) return null;
  if (Object.hasOwn(config.netboot.profiles, profile)) return profile;
  throw new ProloError('bad-input', `netboot once: profile ${quote(profile)} is none of ${known}`, {
    hint: 'they are named under netboot.profiles in prolo.yml',
  });
}
