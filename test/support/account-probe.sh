#!/bin/sh
# Checks an account again and again until a file appears: account-probe.sh LOGIN STOP [PAM-SERVICE PASSWORD-FILE]
# Prints a line for each check that failed, with its time, and how many there were at the end. Exit status 1: some failed.
# It needs getent, and pamtester for the last two, and so runs in a guest as it does here.
login=$1 stop=$2 service=$3 password=$4
checks=0 failed=0

check() {
  checks=$((checks + 1))
  if ! said=$("$@" 2>&1 <"${password:-/dev/null}"); then
    failed=$((failed + 1))
    echo "FAILED $(date +%s.%N 2>/dev/null) $*: $said"
  fi
}

has_shadow() { getent shadow "$login" | grep -q "^$login:[^:]"; }

while [ ! -e "$stop" ]; do
  check getent passwd "$login"
  if [ "$(id -u)" = 0 ]; then check has_shadow; fi
  check id "$login"
  if [ -n "$service" ]; then check pamtester "$service" "$login" authenticate acct_mgmt; fi
done
echo "checks $checks failed $failed"
[ "$failed" = 0 ] && [ "$checks" -gt 0 ]
