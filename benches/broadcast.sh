#!/usr/bin/env bash
# Prints the tables of RESULTS-broadcast.md. `benches/broadcast.sh` runs real processes and
# takes 20 minutes; `benches/broadcast.sh --sim` simulates and takes one. Processes want a
# quiet machine, or `chrt --fifo 1` before the command, ahead of everything else on it.
set -euo pipefail
cd "$(dirname "$0")/.."

sim=${1:-}
if [[ -n $sim && $sim != --sim ]]; then
    echo "unknown argument $sim: only --sim is taken" >&2
    exit 254
fi

cargo build --quiet --release --package workbench
workbench=$PWD/target/release/workbench
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# One run, in a folder of its own: whether it was valid, and its figures, from the lines
# that sum it up. Seeds are other than those on which windows and margins were chosen.
run() {
    local seed=$1 staleness=$2
    shift 2
    mkdir "$scratch/$seed" && cd "$scratch/$seed"
    "$workbench" test -w broadcast --time-limit 20 "$@" ${sim:+--sim} --seed "$seed" \
        -- --max-staleness-ms "$staleness" >results 2>said || true
    sed -nE 's/.*servers ([0-9.]+) msgs.*median ([0-9]+) max ([0-9]+) ms.*median ([0-9.]+) p99 ([0-9.]+) ms.*/\1 \2 \3 \4 \5/p' said
    tail -n 1 results >>"$scratch/verdicts"
    cd .. && rm -r "$scratch/$seed"
}

# The median of one column, and the mean.
median() {
    awk -v column="$1" '{ print $column }' | sort -n | awk '{ all[NR] = $0 } END { print all[int((NR + 1) / 2)] }'
}
mean() {
    awk -v column="$1" '{ sum += $column } END { printf "%.3f", sum / NR }'
}

# A row: runs of the same flags, all at once. A run keeps a fifth of a core busy at most.
row() {
    local count=$1 staleness=$2 label=$3 runs
    shift 3
    : >"$scratch/verdicts"
    runs=$(for ((nth = 1; nth <= count; nth++)); do run $((100 + nth)) "$staleness" "$@" & done; wait)
    column() { median "$1" <<<"$runs"; }
    local valid
    valid=$(grep -c ':valid? true}' "$scratch/verdicts" || true)
    echo "| $staleness | $label | $valid of $count | $(column 1) ($(mean 1 <<<"$runs")) | $(column 2) / $(column 3) | $(column 4) / $(column 5) |"
}

table() {
    echo
    echo "| \`--max-staleness-ms\` | $1 | valid | msgs/op (mean) | stable median / max, ms | client p50 / p99, ms |"
    echo '|---|---|---|---|---|---|'
}

many=(--node-count 25 --latency 100 --rate 100)
few=(--node-count 5 --rate 10)

table 'network, latency'
for net in maelstrom ideal; do
    for dist in constant exponential; do
        for staleness in 100 308 550 680 1900; do
            row 3 $staleness "$net, $dist" "${many[@]}" --net $net --latency-dist $dist
        done
    done
done

table faults
for staleness in 550 1900; do
    row 5 $staleness 'partition' "${many[@]}" --nemesis partition
done
row 5 550 'partition, 5 nodes, 10/s, no latency' "${few[@]}" --nemesis partition
row 5 550 'kill' "${many[@]}" --nemesis kill
