#!/usr/bin/env bash
# Prints the tables of RESULTS-broadcast.md. `benches/broadcast.sh` runs real processes and
# takes 20 minutes. `benches/broadcast.sh --sim` simulates them and takes one minute. Run real
# processes on a quiet machine, or by `chrt --fifo 1`, which gives them priority.
set -euo pipefail
cd "$(dirname "$0")/.."

sim=${1:-}
if [[ -n $sim && $sim != --sim ]]; then
    echo "unknown argument $sim; use --sim, or no argument" >&2
    exit 254
fi

cargo build --quiet --release --package workbench
workbench=$PWD/target/release/workbench
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Executes one run in a new directory. Records its verdict, and prints its figures, from the summary.
run() {
    local seed=$1 staleness=$2
    shift 2
    mkdir "$scratch/$seed" && cd "$scratch/$seed"
    "$workbench" test -w broadcast --time-limit 20 "$@" ${sim:+--sim} --seed "$seed" \
        -- --max-staleness-ms "$staleness" >results 2>summary || true
    sed -nE 's/.*servers ([0-9.]+) msgs.*median ([0-9]+) max ([0-9]+) ms.*median ([0-9.]+) p99 ([0-9.]+) ms.*/\1 \2 \3 \4 \5/p' summary
    grep '^ :valid? ' results >>"$scratch/verdicts"
    cd .. && rm -r "$scratch/$seed"
}

# Print the median and the mean of one column.
median() {
    awk -v column="$1" '{ print $column }' | sort -n | awk '{ all[NR] = $0 } END { print all[int((NR + 1) / 2)] }'
}
mean() {
    awk -v column="$1" '{ sum += $column } END { printf "%.3f", sum / NR }'
}

# Prints a row for concurrent runs with the same flags. A run uses at most a fifth of a core. Seeds
# begin at 101, because the windows and the margins were chosen with other seeds.
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
for staleness in 100 308 550 680 1900; do
    row 5 $staleness 'busy, constant' "${many[@]}" --net busy
done

table faults
for staleness in 550 1900; do
    row 5 $staleness 'partition' "${many[@]}" --nemesis partition
done
row 5 550 'partition, 5 nodes, 10/s, no latency' "${few[@]}" --nemesis partition
row 5 550 'kill' "${many[@]}" --nemesis kill
