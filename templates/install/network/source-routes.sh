#!/bin/sh
# Two cards in one subnet: what is answered from an address leaves by the card that has it, and so by its own switch. For each card
# there is a table with its routes, and a rule that leads what comes from its address there. Written by prolo.
set -eu
LEASES=${1:-/run/systemd/netif/leases}
CARDS=${2:-/sys/class/net}
PRIORITY=1000

# ADDRESS NETMASK: the subnet, such as 192.168.0.0/23.
subnet() {
  IFS=. read -r a b c d <<END
$1
END
  IFS=. read -r m n o p <<END
$2
END
  length=0
  for part in "$m" "$n" "$o" "$p"; do
    while [ "$part" -gt 0 ]; do
      length=$((length + (part & 1)))
      part=$((part >> 1))
    done
  done
  echo "$((a & m)).$((b & n)).$((c & o)).$((d & p))/$length"
}

# A line a card that has a lease: its number, its name, its address, its subnet, its router if there is one.
cards() {
  for card in "$CARDS"/*; do
    [ -e "$card/ifindex" ] || continue # bonding_masters, which is no card
    index=$(cat "$card/ifindex")
    lease=$LEASES/$index
    [ -e "$lease" ] || continue
    address=$(sed -n 's/^ADDRESS=//p' "$lease")
    mask=$(sed -n 's/^NETMASK=//p' "$lease")
    router=$(sed -n 's/^ROUTER=\([^ ]*\).*/\1/p' "$lease")
    if [ -n "$address" ] && [ -n "$mask" ]; then
      echo "$index ${card##*/} $address $(subnet "$address" "$mask") $router"
    fi
  done
}

all=$(cards)
# Those that share their subnet with another.
shared=$(echo "$all" | while read -r index card address net router; do
  [ "$(echo "$all" | grep -c " $net\( \|\$\)")" -lt 2 ] || echo "$index $card $address $net $router"
done)
wanted=$(echo "$shared" | while read -r index card address net router; do
  [ -z "$index" ] || echo "from $address lookup $((1000 + index))"
done)
now=$(ip -4 rule show priority $PRIORITY | sed 's/^[0-9]*:[[:space:]]*//; s/[[:space:]]*$//')
echo "$shared" | while read -r index card address net router; do
  [ -n "$index" ] || continue
  table=$((1000 + index))
  ip route replace "$net" dev "$card" scope link table $table
  [ -z "$router" ] || ip route replace default via "$router" dev "$card" table $table
done
# Word by word, as `ip` says and takes them.
echo "$now" | while read -r rule; do
  [ -z "$rule" ] || echo "$wanted" | grep -qxF "$rule" || ip -4 rule del $rule priority $PRIORITY
done
echo "$wanted" | while read -r rule; do
  [ -z "$rule" ] || echo "$now" | grep -qxF "$rule" || ip -4 rule add $rule priority $PRIORITY
done
