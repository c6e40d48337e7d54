/**
 * A call that ends, with all that it started and mounted, when this process does, however that ends: the kernel kills its first
 * process then, and with that one the process and mount namespaces it has for itself.
 */
export const leashed = (argv: readonly string[]): string[] => [
  ...['setpriv', '--pdeathsig', 'KILL'],
  ...['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', '--'],
  ...argv,
];
