#!/bin/sh
# Raises the rate step by step and prints one line for each: where does the service stop keeping up?
#
#   examples/steps.sh http://127.0.0.1:8080/ 1000 2000 4000 8000
#
# A step is in trouble when p(95) jumps, requests fail, or the achieved rate stays below the asked
# one. Lines that begin with "!" come from ringload's ENGINE block: read them before you blame the
# service. Each step takes STEP (10s); ringload is found on PATH unless RINGLOAD_BIN names it.
set -eu

ringload=${RINGLOAD_BIN:-ringload}
step=${STEP:-10s}
[ $# -ge 2 ] || { echo "usage: $0 URL RATE..." >&2; exit 2; }
url=$1
shift

printf '%10s %12s %10s %10s %s\n' 'asked/s' 'achieved/s' 'failed' 'dropped' 'p(95)'
for rate in "$@"; do
    # Enough users for answers that take a tenth of a second; more are made as they are needed.
    users=$((rate / 10 + 10))
    "$ringload" run --quiet --no-color --rate "$rate" --duration "$step" --vus "$users" \
        --summary-trend-stats 'p(95)' "$url" |
        awk -v asked="$rate" '
            /^ *http_req_duration\./ { p95 = $NF; sub(/.*=/, "", p95) }
            /^ *http_req_failed\./ { failed = $2 }
            /^ *http_reqs\./ { achieved = $3; sub(/\/s/, "", achieved) }
            /^ *dropped_iterations\./ { dropped = $2 }
            /^ *! / { sub(/^ */, "           "); doubts = doubts $0 "\n" }
            END { if (achieved == "") exit 1
                  printf "%10d %12.0f %10s %10d %s\n%s", asked, achieved, failed, dropped, p95, doubts }'
done
