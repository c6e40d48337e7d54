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
clean() {
  rm -rf -- "$stage" 2>/dev/null && return
  find "$stage" -type d ! -perm -700 -exec chmod u+rwx {} ';' # of files, the same ones may be in their place by now
  rm -rf -- "$stage"
}
trap clean EXIT
trap 'exit 129' HUP INT TERM
tar -x -p $6 -f - -C "$stage" || exit
[ -e "$stage/$5" ] || { echo 'not all of the archive came' >&2; exit 1; }
mtime=$(stat -c %y -- "$stage")
mode=$(stat -c %a -- "$stage")
chmod u+rwx -- "$stage"
rm -- "$stage/$5" || exit

# Of a folder that is there, what is in it is replaced. Links take no room and replace a file in one step; where they cannot be made,
# it is done as far as it can. A folder that its owner may not write to cannot be moved by anyone but root.
place() {
  if { [ -d "$2" ] && [ ! -L "$2" ]; } || { [ -d "$1" ] && [ ! -w "$1" ]; }; then
    cp -alfT -- "$1" "$2" 2>/dev/null || cp -afT --remove-destination -- "$1" "$2"
  else
    mv -fT -- "$1" "$2"
  fi
}
if [ -n "$name" ]; then
  [ "$4" = . ] || { place "$stage/$4" "$1"; exit; }
  # The stage is the copy itself, and has its mode and owner from the archive.
  chmod "$mode" -- "$stage" && touch -d "$mtime" -- "$stage" && mv -fT -- "$stage" "$1"
  exit
fi
find "$stage" -mindepth 1 -maxdepth 1 ! -type d -exec mv -f -t "$into" -- {} + || exit
for from in "$stage"/* "$stage"/.[!.]* "$stage"/..?*; do
  [ ! -d "$from" ] || place "$from" "$into/${from##*/}" || exit
done
