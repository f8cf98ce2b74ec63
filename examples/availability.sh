#!/bin/sh
# Watches a service while you break it: for how long was it not there?
#
#   examples/availability.sh http://127.0.0.1:8080/ 60s
#
# An open loop asks RATE (100) times a second whatever happens, so each failed request stands for
# 1/RATE seconds without the service. A closed loop cannot tell: it asks faster when the balancer
# refuses at once, and hardly at all when requests hang. Stop a backend while this runs.
set -eu

ringload=${RINGLOAD_BIN:-ringload}
rate=${RATE:-100}
[ $# -eq 2 ] || { echo "usage: $0 URL DURATION" >&2; exit 2; }

# Enough users for every request to hang until its timeout of 2 s.
"$ringload" run --quiet --no-color --rate "$rate" --duration "$2" --timeout 2s \
    --vus $((rate * 2 + 10)) "$1" |
    awk -v rate="$rate" '
        { print }
        /^ *http_req_failed\./ { failed = $3 }
        /^ *dropped_iterations\./ { dropped = $2 }
        END { printf "unavailable: about %.2f s (%d of the requests failed or never began)\n",
              (failed + dropped) / rate, failed + dropped }'
