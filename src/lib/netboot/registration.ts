import { ProloError } from '../errors.ts';
import { checkServerNumber, quote } from '../mdb/validate.ts';

export interface Registration {
  hostname: string;
  mac: string;
  rfs: number;
  hfs: number;
  room: string;
  mtype: string;
}

/**
 * What a machine says of itself in `/register?…`; MDB checks the values against the site.
 * @throws ProloError `bad-input` that names the field
 */
export function parseRegistration(query: Readonly<Record<string, unknown>>): Registration {
  const text = (field: string): string => {
    const value = query[field];
    if (typeof value === 'string' && value.trim() !== '' && value.length <= 200) return value.trim();
    throw new ProloError(
      'bad-input',
      `registration: ${field} ${value === undefined ? 'is missing' : quote(value)}`,
    );
  };
  const number = (field: string): number =>
    checkServerNumber('registration', field, /^\d{1,4}$/.test(text(field)) ? Number(text(field)) : NaN);
  return {
    hostname: text('hostname'),
    mac: text('mac'),
    rfs: number('rfs'),
    hfs: number('hfs'),
    room: text('room'),
    mtype: text('mtype'),
  };
}
