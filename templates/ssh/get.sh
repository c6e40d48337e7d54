# Runs on the machine that is copied from. $1: tar's own options; then pairs: a folder, and the name in it.
# What is not there is said, and the rest is sent.
unset TAR_OPTIONS
LC_ALL=C
export LC_ALL
options=$1
shift
left=$#
missing=
made=
while [ "$left" -gt 0 ]; do
  dir=$1 name=$2
  shift 2
  left=$((left - 2))
  case $dir in
    .) dir=$PWD shown=$name ;;
    /) dir=/ shown=/$name ;;
    /*) shown=$dir/$name ;;
    *) shown=$dir/$name dir=$PWD/$dir ;;
  esac
  kind=
  [ -L "$dir/$name" ] && [ -z "$options" ] || kind=$(stat -f -c %T -- "$dir/$name" 2>/dev/null)
  # The kernel makes these as they are read: tar would believe their size, and send nothing, or zeros.
  if [ "$kind" = proc ] || [ "$kind" = sysfs ]; then made="${made:+$made, }$shown"
  elif [ -e "$dir/$name" ] || [ -L "$dir/$name" ]; then set -- "$@" -C "$dir" "./$name"
  else missing="${missing:+$missing, }$shown"
  fi
done
complain() {
  [ -z "$made" ] || { echo "no file on a disk (prolo pssh --out DIR -- cat FILE): $made" >&2; exit 1; }
  [ -z "$missing" ] || { echo "not there: $missing" >&2; exit 1; }
}
[ "$#" -gt 0 ] || complain
tar -c -S --format=posix --pax-option=delete=atime,delete=ctime --no-unquote $options -f - "$@"
status=$?
# 1: a file was written to meanwhile, as logs are.
[ "$status" -le 1 ] || exit "$status"
complain
