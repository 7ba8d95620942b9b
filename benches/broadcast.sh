#!/usr/bin/env bash
# Prints the table of broadcast's messages and latencies in RESULTS.md: the median of
# three runs a row. `benches/broadcast.sh` runs real processes and takes 35 minutes,
# `benches/broadcast.sh --sim` simulates and takes a minute.
set -euo pipefail
cd "$(dirname "$0")/.."

sim=${1:-}
if [[ -n $sim && $sim != --sim ]]; then
    echo "unknown argument $sim: only --sim is taken" >&2
    exit 254
fi

# The figures of one run, from the line that sums it up.
run() {
    cargo --quiet workbench test -w broadcast --node-count 25 --latency 100 --rate 100 \
        --time-limit 20 --net "$2" --latency-dist "$3" ${sim:+--sim --seed "$4"} \
        -- --max-staleness-ms "$1" 2>&1 |
        sed -nE 's/.*servers ([0-9.]+) msgs.*median ([0-9]+) max ([0-9]+) ms.*median ([0-9.]+) p99 ([0-9.]+) ms/\1 \2 \3 \4 \5/p'
}

# The median of one column of three runs.
median() {
    awk -v column="$1" '{ print $column }' | sort -n | sed -n 2p
}

echo '| `--max-staleness-ms` | network | latency | msgs/op | stable median / max, ms | client p50 / p99, ms |'
echo '|---|---|---|---|---|---|'
for net in maelstrom ideal; do
    for dist in constant exponential; do
        for staleness in 100 308 550 680 1900; do
            runs=$(for seed in 1 2 3; do run $staleness $net $dist $seed; done)
            column() { median "$1" <<<"$runs"; }
            echo "| $staleness | $net | $dist | $(column 1) | $(column 2) / $(column 3) | $(column 4) / $(column 5) |"
        done
    done
done
