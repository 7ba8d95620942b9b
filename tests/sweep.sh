#!/usr/bin/env bash
# Simulates broadcast, sets, counters and logs under faults, with many seeds: `tests/sweep.sh 1000`.
# Stops at the first configuration with a seed that fails. `cargo test` tries 20 seeds of each.
set -euo pipefail
cd "$(dirname "$0")/.."

seeds=${1:-1000}
sweep() {
    cargo workbench test --strict --seeds "0..$seeds" --node-count 5 --rate 50 --time-limit 20 \
        --nemesis-targets one "$@" > /dev/null
}

for kind in broadcast g-set g-counter pn-counter; do
    for nemesis in partition,loss,duplicate,reorder,pause kill,duplicate partition,loss,duplicate,kill; do
        sweep -w $kind --nemesis $nemesis -- $kind
    done
done
for nemesis in partition,loss,duplicate,reorder pause,one-way kill partition,loss,duplicate,kill; do
    sweep -w kafka --concurrency 2n --nemesis $nemesis
done
sweep -w kafka --concurrency 2n --nemesis partition,loss,duplicate,reorder -- --acks 1
# The network holds requests until their clients have nearly given up.
sweep -w kafka --concurrency 2n --nemesis partition --latency 500 --latency-dist exponential \
    --node-count 3 --rate 100 --time-limit 60
