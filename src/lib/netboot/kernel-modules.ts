/** Of a kernel's modules, those that a PC needs to reach the network and to be typed at. */
const WANTED = [
  /\/drivers\/net\/(ethernet|phy|mdio|pcs|usb|vmxnet3)\//,
  /\/drivers\/net\/(virtio_net|mii|mdio)\.ko/,
  /\/drivers\/virtio\/virtio_pci\.ko/,
  /\/drivers\/usb\/(host|core|common)\//,
  /\/drivers\/hid\/(usbhid\/usbhid|hid|hid-generic)\.ko/,
  /\/drivers\/input\/(keyboard\/atkbd|serio\/(i8042|libps2|serio))\.ko/,
  /\/net\/packet\/af_packet\.ko/,
];

/**
 * The wanted modules and all that these need, as paths below the kernel's module folder, sorted.
 * @param modulesDep the kernel's `modules.dep`
 */
export function chooseModules(modulesDep: string, wanted: readonly RegExp[] = WANTED): string[] {
  const needs = new Map(
    modulesDep
      .split('\n')
      .filter((line) => line.includes(':'))
      .map((line) => {
        const [path = '', rest = ''] = line.split(':');
        return [path, rest.trim().split(/\s+/).filter(Boolean)] as const;
      }),
  );
  const chosen = new Set<string>();
  const take = (path: string): void => {
    if (chosen.has(path)) return;
    chosen.add(path);
    needs.get(path)?.forEach(take);
  };
  for (const path of needs.keys()) if (wanted.some((pattern) => pattern.test(`/${path}`))) take(path);
  return [...chosen].sort();
}

/** The newest of some kernel versions, their numbers compared as numbers. */
export function newestVersion(versions: readonly string[]): string | undefined {
  return [...versions].sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
}
