# systemd-networkd with the configuration of a folder, in a network namespace with three cards: $1. Run by `unshare --net --mount`.
# Says addresses and routes once there are two ways out, and the ways out after the first one's cable was pulled.
set -e
for card in lan0 wan0 wan1; do
  ip link add $card type veth peer name $card-peer
  ip link set $card-peer up
done
mount --bind "$1" /etc/systemd/network
mount -t sysfs -o ro none /sys
mount -t tmpfs none /run
for folder in /run/systemd/netif /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp; do
  install -d -o systemd-network -g systemd-network $folder
done
SYSTEMD_LOG_LEVEL=info SYSTEMD_LOG_TARGET=console /lib/systemd/systemd-networkd >&2 &
daemon=$!
trap 'kill $daemon; wait $daemon || true' EXIT
until_routes() {
  for _ in $(seq 200); do
    [ "$(ip route show default | wc -l)" = "$1" ] && return
    sleep 0.1
  done
  echo "no $1 ways out" >&2
  return 1
}
until_routes 2
ip -4 -brief address show up scope global
ip route show default
echo pulled
ip link set wan0-peer down
until_routes 1
ip route show default
