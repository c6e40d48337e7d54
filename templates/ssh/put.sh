# Runs on the machine that is copied to, with the archive as its input: nothing there changes before all of it has come.
# $1 destination; $2 the folder that it is in, $3 its name there; $4 the one thing that is copied, or nothing;
# $5 the archive's last file; $6 tar's own options; $7 `folder` where it must be one; $8 `make` to make one
unset CDPATH TAR_OPTIONS
LC_ALL=C
export LC_ALL
umask 022
if [ -d "$1" ] || [ "$7" = folder ]; then into=$1 name=; else into=$2 name=$3; fi
if [ ! -d "$into" ]; then
  [ "$8" = make ] || { echo "$into: there is no such folder" >&2; exit 1; }
  mkdir -p -- "$into" || exit
fi
umask 077
stage=$(mktemp -d "$into/.pcp.XXXXXXXXXX") || exit
trap 'rm -rf -- "$stage" || { chmod -R u+rwX "$stage"; rm -rf -- "$stage"; }' EXIT
trap 'exit 129' HUP INT TERM
tar -x -p $6 -f - -C "$stage" || exit
[ -e "$stage/$5" ] || { echo 'not all of the archive came' >&2; exit 1; }
mtime=$(stat -c %y -- "$stage")
rm -- "$stage/$5" || exit

if [ -n "$name" ]; then
  from=$stage/$4
  # The stage is the copy itself, and has its mode and owner from the archive.
  [ "$4" != . ] || { from=$stage && touch -d "$mtime" -- "$stage"; }
  mv -fT -- "$from" "$1"
  exit
fi
chmod u+rwx "$stage"
find "$stage" -mindepth 1 -maxdepth 1 ! -type d -exec mv -f -t "$into" -- {} + || exit
find "$stage" -mindepth 1 -maxdepth 1 -type d -exec sh -c '
  into=$1
  shift
  for from; do
    to=$into/${from##*/}
    # Links take no room and replace a file in one step; where they cannot be made, it is done as far as it can.
    if [ ! -d "$to" ] || [ -L "$to" ]; then mv -fT -- "$from" "$to"
    else cp -alfT -- "$from" "$to" 2>/dev/null || cp -afT --remove-destination -- "$from" "$to"
    fi || exit
  done
' sh "$into" {} +
