/**
 * `2026-05-02 14:03:22`, in this host's zone, as operators write times and as its journal has them.
 * @param iso ISO 8601
 */
export function hostTime(iso: string): string {
  const at = new Date(iso);
  const two = (part: number): string => String(part).padStart(2, '0');
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('-');
  return `${day} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':')}`;
}

/** `2026-05-02 12:03:22 UTC`, which means the same on every host. @param iso ISO 8601, UTC */
export function utcTime(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')} UTC`;
}
