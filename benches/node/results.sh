#!/usr/bin/env bash
# Writes RESULTS-node.md to stdout. Run it on a quiet machine, or by `chrt --fifo 1`, which gives it
# priority over other processes.
set -euo pipefail
cd "$(dirname "$0")/.."

# Prints criterion's figures as rows of a table.
rows() {
    cargo bench --bench "$1" -- --warm-up-time 1 --measurement-time 2 --output-format bencher |
        sed -nE 's|^test node/(.*) \.\.\. bench: +([0-9,]+) ns/iter \(\+/- ([0-9,]+)\)|\| \1 \| \2 \| \3 \||p'
}

cat <<END
# Results of the node

\`benches/node/results.sh\` writes this file. Do not edit it by hand.

- **Date:** $(date +%F)
- **Commit:** $(git rev-parse --short HEAD)$(git diff --quiet HEAD || echo ', with changes')
- **Machine:** $(sed -nE 's/^model name\s*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores, $(uname -sr | cut -d- -f1)
- **Compiler:** $(rustc --version)
- **Scheduling:** $(chrt -p $$ | sed -nE 's/.*policy: //p'), load average $(cut -d ' ' -f 1 /proc/loadavg)

## Behind two pipes

\`cargo bench --bench node_pipes\` runs the node as a separate process. The throughput is the
median of five runs of 2,000,000 requests without a pause. The latencies are those of 5,000
single requests, one per millisecond. Processor time is the node's user and system time. Memory
is the growth of the node. Values are numbers, and the messages of \`send\` are in 100 logs.

$(cargo bench --bench node_pipes)

## Without pipes

\`cargo bench --bench node_codec --bench node_state_machine\`: the time to read or write one
message, and the time in which a node of a cluster of 25 handles one line, from bytes to bytes.

| | ns | ± |
|---|---|---|
$(rows node_codec)
$(rows node_state_machine)
END
