import { expect } from 'chai';
import { networkCommands, planNetwork, seatCommands, tapCommands } from '../../../src/lib/lab/network.ts';
import { checkLabHost, missingPackages } from '../../../src/lib/lab/packages.ts';
import { qemuArgv } from '../../../src/lib/lab/qemu.ts';
import { moduleOrder } from '../../../src/lib/lab/kernel.ts';
import { parseConfig } from '../../../src/lib/site/parse.ts';

const plan = planNetwork(parseConfig('', 'prolo.yml'), 'prolo-lab-1-1');
const text = (commands: string[][]): string[] => commands.map((command) => command.join(' '));

describe('the plan of a lab', () => {
  it('has the gateway in each network of the site', () => {
    expect(plan.addresses).to.deep.equal(['192.168.1.254/23', '192.168.2.254/24', '192.168.250.254/24']);
    expect(plan.gateway).to.equal('192.168.1.254');
  });

  it('makes a namespace with a bridge, and touches nothing outside it', () => {
    expect(text(networkCommands(plan))).to.deep.equal([
      'ip netns add prolo-lab-1-1',
      'ip -n prolo-lab-1-1 link set lo up',
      'ip -n prolo-lab-1-1 link add br0 address 52:54:00:70:63:fe type bridge forward_delay 0 mcast_snooping 0 group_fwd_mask 0x4000',
      'ip -n prolo-lab-1-1 addr add 192.168.1.254/23 dev br0',
      'ip -n prolo-lab-1-1 addr add 192.168.2.254/24 dev br0',
      'ip -n prolo-lab-1-1 addr add 192.168.250.254/24 dev br0',
      'ip -n prolo-lab-1-1 -6 addr add fd70:726f:6c6f::1/64 dev br0 nodad',
      'ip -n prolo-lab-1-1 link set br0 up',
    ]);
    expect(text(tapCommands(plan, 'tap1'))).to.deep.equal([
      'ip -n prolo-lab-1-1 tuntap add dev tap1 mode tap',
      'ip -n prolo-lab-1-1 link set tap1 master br0 up',
    ]);
    const seat = { netns: 'prolo-lab-1-1-2', port: 'seat2', mac: '52:54:00:00:00:02' };
    expect(text(seatCommands(plan, seat))[1]).to.equal(
      'ip -n prolo-lab-1-1 link add seat2 type veth peer name eth0 address 52:54:00:00:00:02 netns prolo-lab-1-1-2',
    );
  });

  const pc = { name: 'a', mac: '52:54:00:00:00:01', limitSeconds: 90, memoryMib: 512 };

  it('starts a BIOS PC under a time limit, with its console on standard input and output', () => {
    const argv = qemuArgv({ ...pc, firmware: 'bios' }, { tap: 'tap1' });
    expect(argv.slice(0, 4)).to.deep.equal(['timeout', '--kill-after=5', '90', 'qemu-system-x86_64']);
    expect(argv).to.include.members(['pc,graphics=off', 'virtio-net-pci,netdev=lan,mac=52:54:00:00:00:01']);
    expect(argv.join(' ')).not.to.match(/kvm|pflash|-vnc/);
  });

  it('starts an UEFI PC whose network card has no iPXE of its own', () => {
    const argv = qemuArgv({ ...pc, firmware: 'uefi' }, { tap: 'tap1', uefiVars: '/w/a.fd' });
    expect(argv).to.include('virtio-net-pci,netdev=lan,mac=52:54:00:00:00:01,romfile=');
    expect(argv).to.include('if=pflash,format=raw,unit=1,file=/w/a.fd');
  });

  it('loads modules after those that they need, each once', () => {
    const dep = `kernel/net/core/failover.ko:
kernel/drivers/net/net_failover.ko: kernel/net/core/failover.ko
kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net_failover.ko kernel/drivers/virtio/virtio.ko kernel/net/core/failover.ko
kernel/drivers/virtio/virtio.ko:
kernel/drivers/virtio/virtio-pci.ko.xz: kernel/drivers/virtio/virtio.ko
`;
    expect(moduleOrder(dep, ['virtio_net', 'virtio_pci', 'ext4'])).to.deep.equal([
      'kernel/net/core/failover.ko',
      'kernel/drivers/net/net_failover.ko',
      'kernel/drivers/virtio/virtio.ko',
      'kernel/drivers/net/virtio_net.ko',
      'kernel/drivers/virtio/virtio-pci.ko.xz',
    ]);
  });

  it('names the packages that are missing, each once', () => {
    const programs = { named: 'bind9', rndc: 'bind9', busybox: 'busybox-static', ip: 'iproute2' };
    expect(missingPackages(programs, (program) => (program === 'ip' ? '/sbin/ip' : undefined))).to.deep.equal(
      ['bind9', 'busybox-static'],
    );
  });

  it('says who may not, and what to install', () => {
    const all = (): string => '/usr/bin/it';
    expect(() => checkLabHost(0, all)).not.to.throw();
    expect(() => checkLabHost(1000, all)).to.throw('lab: only root can make network namespaces');
    const some = (program: string): string | undefined =>
      /dnsmasq|qemu-system/.test(program) ? undefined : '/usr/bin/it';
    expect(() => checkLabHost(1000, some))
      .to.throw('lab: not installed here: dnsmasq-base, qemu-system-x86')
      .with.property('hint', 'apt-get install --no-install-recommends dnsmasq-base qemu-system-x86');
  });
});
