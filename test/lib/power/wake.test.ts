import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect } from 'chai';
import { broadcastOf, magicPacket, openWaker } from '../../../src/lib/power/wake.ts';

describe('wake-on-LAN', () => {
  it('has a packet of six times 255, and the MAC sixteen times', () => {
    const packet = magicPacket('52:54:00:aa:0b:ff');
    expect(packet.toString('hex')).to.equal('f'.repeat(12) + '525400aa0bff'.repeat(16));
  });

  it('goes to the broadcast address of the network that the machine is in', () => {
    const networks = [{ cidr: '192.168.0.0/23' }, { cidr: '192.168.2.0/24' }, { cidr: '10.0.0.0/8' }];
    const cases: [string, string | undefined][] = [
      ['192.168.0.1', '192.168.1.255'],
      ['192.168.1.254', '192.168.1.255'],
      ['192.168.2.7', '192.168.2.255'],
      ['10.200.3.4', '10.255.255.255'],
      ['192.168.3.1', undefined],
    ];
    for (const [ip, expected] of cases) expect(broadcastOf(networks, ip)).to.equal(expected);
  });

  it('sends each packet more than once, and says of which machines it cannot', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.1.255');
    await once(socket, 'listening');
    const heard: Buffer[] = [];
    const all = new Promise<void>((resolve) =>
      socket.on('message', (message) => heard.push(message) === 3 && resolve()),
    );
    const waker = await openWaker([{ cidr: '127.0.1.0/24' }], socket.address().port);
    const mac = '52:54:00:00:00:01';
    try {
      expect(await waker.wake({ hostname: 'pc1', ip: '127.0.1.7', mac })).to.include({ status: 'ok' });
      await all;
      expect(heard.map((packet) => packet.equals(magicPacket(mac)))).to.deep.equal([true, true, true]);
      const lost = await waker.wake({ hostname: 'pc2', ip: '127.0.2.1', mac });
      expect(lost).to.include({ status: 'failed', reason: "its address is in no network of the site's" });
    } finally {
      waker.close();
      socket.close();
    }
  });
});
