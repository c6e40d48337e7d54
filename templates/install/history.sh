# Root's shells remember everything, with its time: who sets a contest up finds here what was done. A line is written when it is
# entered, so that a second terminal, and the night after, have it.
if [ "$(id -u)" = 0 ] && [ -n "$BASH_VERSION" ]; then
  HISTSIZE=-1
  HISTFILESIZE=-1
  HISTTIMEFORMAT='%F %T '
  HISTCONTROL=
  shopt -s histappend
  case $PROMPT_COMMAND in
    *'history -a'*) ;;
    *) PROMPT_COMMAND="history -a${PROMPT_COMMAND:+; $PROMPT_COMMAND}" ;;
  esac
fi
