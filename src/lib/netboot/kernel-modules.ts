import { inLoadOrder, readNeeds } from '../kernel-tree.ts';

/** Of a kernel's modules, those that a PC needs to reach the network and to be typed at. */
export const PC_MODULES = [
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
export function chooseModules(modulesDep: string, wanted: readonly RegExp[] = PC_MODULES): string[] {
  const needs = readNeeds(modulesDep);
  return inLoadOrder(
    needs,
    [...needs.keys()].filter((path) => wanted.some((pattern) => pattern.test(`/${path}`))),
  ).sort();
}
