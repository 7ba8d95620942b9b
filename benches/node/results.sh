#!/usr/bin/env bash
# Writes RESULTS-node.md to stdout. The machine must be quiet, or this be run by
# `chrt --fifo 1`, ahead of everything else on it.
set -euo pipefail
cd "$(dirname "$0")/.."

# Criterion's figures as rows of a table.
rows() {
    cargo bench --bench "$1" -- --warm-up-time 1 --measurement-time 2 --output-format bencher |
        sed -nE 's|^test node/(.*) \.\.\. bench: +([0-9,]+) ns/iter \(\+/- ([0-9,]+)\)|\| \1 \| \2 \| \3 \||p'
}

cat <<END
# Results of the node

Written by \`benches/node/results.sh\`; not edited by hand.

- **Date:** $(date +%F)
- **Commit:** $(git rev-parse --short HEAD)$(git diff --quiet HEAD || echo ', with changes')
- **Machine:** $(sed -nE 's/^model name\s*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(uname -sr)
- **Compiler:** $(rustc --version)
- **Scheduling:** $(chrt -p $$ | sed -nE 's/.*policy: //p'), load average $(cut -d ' ' -f 1 /proc/loadavg)

## Behind two pipes

\`cargo bench --bench node_pipes\`: the node is a process of its own. 2,000,000 requests
are poured in at once, in the median of five runs; then 5,000 are asked one at a time,
one a millisecond. Processor time is the node's, user and system together. Memory is
by how much the node grows; values are numbers, and messages are on 100 keys.

$(cargo bench --bench node_pipes)

## Alone

\`cargo bench --bench node_codec --bench node_state_machine\`: reading and writing one
message, and a line handled by a node of a cluster of 25, from bytes to bytes.

| | ns | ± |
|---|---|---|
$(rows node_codec)
$(rows node_state_machine)
END
