# Sourced by the scripts beside it: runs commands as steps, a line each.
#   step LABEL COMMAND…   prints ✓ or ✗, the label and the seconds; the output only when it fails

if [[ -t 1 ]]; then
  good=$'\e[32m✓\e[0m' bad=$'\e[31m✗\e[0m' busy=$'\e[2m…\e[0m' wipe=$'\r\e[K'
else
  good='✓' bad='✗' busy='' wipe=''
fi

seconds_since() { # MICROSECONDS_AT_START
  local tenths=$(((${EPOCHREALTIME//[!0-9]/} - $1) / 100000))
  printf '%d.%d s' $((tenths / 10)) $((tenths % 10))
}

step() {
  local label=$1 began=${EPOCHREALTIME//[!0-9]/} output
  shift
  [[ -z $busy ]] || printf '  %s %s' "$busy" "$label"
  if output=$("$@" 2>&1 </dev/null); then
    printf '%s  %s %-32s %8s\n' "$wipe" "$good" "$label" "$(seconds_since "$began")"
  else
    printf '%s  %s %-32s %8s\n\n%s\n\n' "$wipe" "$bad" "$label" "$(seconds_since "$began")" "$output"
    return 1
  fi
}
