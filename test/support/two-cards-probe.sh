# A server with two cards in one subnet, with what the recipes write in the folder $1; a DHCP server and a PC on the same wires, and a
# network behind a router. Run by `unshare --net --mount`. Says which card answers whom.
set -e
config=$1
lan=lan
mount -t tmpfs none /run
ip netns add $lan
pids=
end() {
  for pid in $pids; do kill "$pid" 2>/dev/null || true; done
  wait
  ip netns del $lan
}
trap end EXIT
there() { ip netns exec $lan "$@"; }

there ip link set lo up
there ip link add br0 type bridge
there ip addr add 192.168.1.254/23 dev br0
there ip addr add 10.1.1.1/32 dev lo
there ip link set br0 up
for n in 5 6; do
  ip link add lan$n address 52:54:00:00:00:0$n type veth peer name port$n netns $lan
  there ip link set port$n master br0 up
done

mount --bind "$config" /etc/systemd/network
mount -t sysfs -o ro none /sys
mkdir -p /run/systemd/networkd.conf.d
cp "$config"/networkd.conf.d/prolo.conf /run/systemd/networkd.conf.d/
for folder in /run/systemd/netif /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp; do
  install -d -o systemd-network -g systemd-network $folder
done
# The tables of neighbours are the whole machine's.
grep -v gc_thresh "$config/60-prolo-sysctl.conf" >/run/sysctl.conf
sysctl -q -p /run/sysctl.conf
ip link set lo up
there dnsmasq --keep-in-foreground --conf-file=/dev/null --port=0 --interface=br0 --user=root --pid-file \
  --leasefile-ro --dhcp-range=192.168.0.0,static,255.255.254.0 --dhcp-option=3,192.168.1.254 \
  --dhcp-host=52:54:00:00:00:05,192.168.0.5 --dhcp-host=52:54:00:00:00:06,192.168.0.6 >&2 &
pids="$pids $!"
networkd() {
  SYSTEMD_LOG_LEVEL=info SYSTEMD_LOG_TARGET=console /lib/systemd/systemd-networkd >&2 &
  daemon=$!
  pids="$pids $daemon"
  for _ in $(seq 200); do
    # The address that it keeps is there before it has looked after the card.
    [ "$(ls /run/systemd/netif/leases | wc -l)" = 2 ] && [ "$(ip -4 route show table main default | wc -l)" = 2 ] && return
    sleep 0.1
  done
  echo 'no two leases' >&2
  return 1
}
networkd

# What a card's cable has brought out of the server.
sent() { there cat /sys/class/net/port$1/statistics/rx_packets; }
# Pings each address from $2; how many are answered by their own cable.
answers() {
  right=0
  for n in 5 6; do
    before=$(sent $n)
    there busybox ping -q -c 20 -i 0.01 -W 1 -I "$2" 192.168.0.$n >/dev/null
    [ $(($(sent $n) - before)) -lt 20 ] || right=$((right + 1))
  done
  echo "$1: $right of 2 answers where it was asked"
}
rules() { ip -4 rule show | grep -c 'lookup 1[0-9][0-9][0-9]' || true; }

for n in 5 6; do
  macs=$(there busybox arping -I br0 -c 3 192.168.0.$n | sed -n 's/.*\[\(.*\)\].*/\1/p' | sort -u | tr A-F a-f)
  echo "arp 192.168.0.$n:" $macs
done
script=$config/prolo-source-routes
answers 'without routes' 192.168.1.254
"$script"
answers 'with routes' 192.168.1.254
answers 'from elsewhere' 10.1.1.1
kill $daemon
wait $daemon || true
rm -f /run/systemd/netif/leases/*
networkd
answers 'networkd started anew' 192.168.1.254
"$script"
echo "again: $(rules) rules"
ip link del lan6
"$script"
echo "one card is pulled out: $(rules) rules"
