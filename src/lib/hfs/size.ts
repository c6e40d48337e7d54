import { ProloError } from '../errors.ts';

const UNITS = ['', 'K', 'M', 'G', 'T'];

/** `2G`, `512M`, or bytes; a whole number of KiB, as ext4 wants it. @throws ProloError `bad-input` */
export function parseSize(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,15}(?:\.\d{1,3})?)([KMGT]?)(?:i?B)?$/i.exec(text.trim()) ?? [];
  const bytes = Math.floor((Number(digits ?? NaN) * 1024 ** UNITS.indexOf(unit.toUpperCase())) / 4096) * 4096;
  if (bytes >= 8 * 1024 ** 2 && bytes <= 16 * 1024 ** 4) return bytes;
  throw new ProloError('bad-input', `size ${text}: not a size of a home`, {
    hint: 'such as 2G or 512M; from 8M to 16T',
  });
}

/** `1.5G` */
export function formatSize(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  const value = bytes / 1024 ** power;
  return `${value >= 100 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)}${UNITS[power]}`;
}
