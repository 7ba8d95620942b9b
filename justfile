# Recipes for everyday work. `just` lists them. `just ci` runs CI's job `ci`.

_default:
    @just --list

# The checks of CI's job `ci`.
ci:
    bash .ci/run

# Format, lint and test: what to run before a commit.
check:
    cargo fmt --all
    cargo clippy --workspace --exclude benches --all-targets --all-features -- -D warnings
    cargo clippy --package benches --all-targets -- -D warnings
    cargo test --workspace

# The bench, with Maelstrom's own flags: `just workbench -w broadcast --node-count 5`.
workbench *flags:
    cargo workbench test {{ flags }}

# Every interleaving of the claim.
loom:
    RUSTFLAGS="--cfg snowflake_loom" CARGO_TARGET_DIR=target/loom cargo test --package snowflake-ids --features lease --lib models

# The lease protocol with more requests in flight and more acquisitions than in the tests: 5 million
# states each, about 3 minutes and 1.2 GB of memory on two cores.
lease-model:
    cargo test --package snowflake-ids --features lease --test lease -- --ignored --nocapture --test-threads=1 model

# Leases under torture: eight processes that are killed, stopped and given wrong clocks, on each
# store that the machine has. TORTURE_SEED=… replays a run's plan.
torture seconds="60":
    TORTURE_SECONDS={{ seconds }} cargo test --package snowflake-ids --release --all-features --test torture -- --nocapture

# Many more cases of every property test.
properties cases="20000":
    seed=$(date +%s); echo "PROPTEST_RNG_SEED=$seed"; \
        PROPTEST_RNG_SEED=$seed PROPTEST_CASES={{ cases }} cargo test --workspace --profile release-test

# Each integration with the real format, database or framework.
integrations:
    cargo test --manifest-path integrations/Cargo.toml

# Broadcast, sets, counters and logs, simulated from many seeds.
sweep seeds="1000":
    tests/sweep.sh {{ seeds }}

# Throughput, without the peers.
bench:
    cargo bench

# The package as the registry would get it, built with every feature from what it packs.
package *flags:
    cargo package --package snowflake-ids --all-features {{ flags }}

# `cargo install --locked` builds cargo-hack, cargo-machete, cargo-deny, cargo-semver-checks and
# cargo-check-external-types.
#
# Every check that needs a tool of its own.
tools: features unused deny external-types semver

# Each feature of the crate alone, and each pair of groups.
features:
    cargo hack clippy --package snowflake-ids --each-feature --exclude-features default -- -D warnings
    cargo hack clippy --package snowflake-ids --feature-powerset --depth 2 --exclude-features default \
        --group-features arbitrary-1,proptest-1 \
        --group-features bson-3,borsh-1,bytemuck-1,rkyv-0_8 \
        --group-features chrono-0_4,jiff-1,time-0_3 \
        --group-features diesel-2,postgres-types-0_2,rusqlite,sea-orm-2,sqlx-0_9,sqlx-postgres-0_9 \
        --group-features etcd,postgres \
        --group-features metrics-0_24,tracing-0_1 \
        --group-features schemars-1,utoipa-6 \
        -- -D warnings

# Dependencies that no code uses.
unused:
    cargo machete --skip-target-dir

# Licenses, sources and duplicate versions of dependencies.
deny:
    cargo deny --manifest-path Cargo.toml --config deny.toml check bans licenses sources
    cargo deny --manifest-path integrations/Cargo.toml --config deny.toml check bans licenses sources

# The tool reads rustdoc's JSON, which is unstable. Its version 0.5 reads that of Rust 1.95.
#
# Types of other crates in the public interface: only those that `snowflake/Cargo.toml` lists.
external-types:
    RUSTC_BOOTSTRAP=1 cargo check-external-types --manifest-path snowflake/Cargo.toml --all-features

# The public interface against the last release, which is the last tag `v*`.
semver since=`git describe --tags --abbrev=0 --match 'v*' 2> /dev/null || true`:
    @[ -n '{{ since }}' ] || echo 'no tag v* to compare with'
    [ -z '{{ since }}' ] || cargo semver-checks --package snowflake-ids --all-features --baseline-rev {{ since }}

# `pip install kubernetes-validate` installs the tool.
#
# The example service's manifests, by the schemas of Kubernetes.
manifests:
    kubernetes-validate --strict examples/orders/deploy/*.yaml

# Anything at all on the node's input. Needs cargo-fuzz; stable Rust will do.
[working-directory: 'maelstrom-node/fuzz']
fuzz seconds="600":
    mkdir -p corpus/lines
    cargo fuzz run -s none lines corpus/lines seeds/lines -- -max_total_time={{ seconds }} -dict=lines.dict -max_len=8192

# Any text to the parsers of IDs, node IDs and epochs. Needs cargo-fuzz.
[working-directory: 'snowflake/fuzz']
fuzz-text seconds="600":
    mkdir -p corpus/text
    cargo fuzz run -s none text corpus/text -- -max_total_time={{ seconds }} -max_len=64

# The node's speed, for benches/RESULTS-node.md. Wants a quiet machine.
bench-node:
    benches/node/results.sh

# Broadcast's messages and latencies, for benches/RESULTS-broadcast.md: `--sim` takes a minute.
bench-broadcast *flags:
    benches/broadcast.sh {{ flags }}
