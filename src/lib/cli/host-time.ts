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

/**
 * `2026-05-02 14:03:22 +02:00`, or `… UTC`: in this host's zone too, and unmistakable where it is read on another host.
 * @param iso ISO 8601
 */
export function zonedTime(iso: string): string {
  const minutes = -new Date(iso).getTimezoneOffset();
  if (minutes === 0) return `${hostTime(iso)} UTC`;
  const two = (part: number): string => String(Math.floor(part)).padStart(2, '0');
  const [size, sign] = [Math.abs(minutes), minutes < 0 ? '-' : '+'];
  return `${hostTime(iso)} ${sign}${two(size / 60)}:${two(size % 60)}`;
}
