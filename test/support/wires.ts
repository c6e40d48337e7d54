import { execFileSync } from 'node:child_process';

let made = 0;

/** Hosts in network namespaces of their own, each with a cable to one gateway. */
export interface Wires {
  gateway: string;
  /** Namespace of a host. */
  of(name: string): string;
  /** Runs a program at a host. @returns its exit status */
  run(name: string, argv: readonly string[]): number;
  remove(): void;
}

export interface Host {
  name: string;
  /** With its length, such as `10.0.0.1/24`. */
  address: string;
  /** The gateway's at its end of the cable; hosts of one network share a bridge and this address. */
  gateway: string;
  /** Whether it sends what it does not know to the gateway. */
  route?: boolean;
}

export function makeWires(hosts: readonly Host[]): Wires {
  const base = `pw${process.pid}-${++made}`;
  const of = (name: string): string => `${base}-${name}`;
  const gateway = of('gw');
  const namespaces: string[] = [];
  const ip = (...args: string[]): void =>
    void execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const add = (namespace: string): void => {
    ip('netns', 'add', namespace);
    namespaces.push(namespace);
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
  };
  const remove = (): void => {
    for (const namespace of namespaces.splice(0)) ip('netns', 'del', namespace);
  };
  try {
    add(gateway);
    execFileSync('ip', ['netns', 'exec', gateway, 'busybox', 'sysctl', '-w', 'net.ipv4.ip_forward=1']);
    const bridges = new Map<string, string>();
    for (const [i, host] of hosts.entries()) {
      const namespace = of(host.name);
      add(namespace);
      let bridge = bridges.get(host.gateway);
      if (bridge === undefined) {
        bridge = `br${bridges.size}`;
        bridges.set(host.gateway, bridge);
        ip('-n', gateway, 'link', 'add', bridge, 'type', 'bridge');
        ip('-n', gateway, 'addr', 'add', host.gateway, 'dev', bridge);
        ip('-n', gateway, 'link', 'set', bridge, 'up');
      }
      ip('-n', gateway, 'link', 'add', `v${i}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
      ip('-n', gateway, 'link', 'set', `v${i}`, 'master', bridge, 'up');
      ip('-n', namespace, 'addr', 'add', host.address, 'dev', 'eth0');
      ip('-n', namespace, 'link', 'set', 'eth0', 'up');
      if (host.route) ip('-n', namespace, 'route', 'add', 'default', 'via', host.gateway.split('/')[0]!);
    }
  } catch (error) {
    remove();
    throw error;
  }
  return {
    gateway,
    of,
    run(name, argv) {
      try {
        execFileSync('ip', ['netns', 'exec', of(name), ...argv], { stdio: 'ignore', timeout: 10_000 });
        return 0;
      } catch (error) {
        return (error as { status?: number }).status ?? 1;
      }
    },
    remove,
  };
}
