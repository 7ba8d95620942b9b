# Recipes for everyday work. `just` lists them; CI runs the same steps from `.ci/run`.

_default:
    @just --list

# Everything CI checks.
ci:
    bash .ci/run

# Format, lint and test: what to run before a commit.
check:
    cargo fmt --all
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    cargo test --workspace

# The bench, with Maelstrom's own flags: `just workbench -w broadcast --node-count 5`.
workbench *flags:
    cargo workbench test {{ flags }}

# Every interleaving of the claim.
loom:
    RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom cargo test --package snowflake --release --test 'loom_*'

# Many more cases of every property test.
properties cases="20000":
    PROPTEST_CASES={{ cases }} cargo test --workspace --release

# Throughput, without the peers.
bench:
    cargo bench

# Licences, sources and duplicate versions of dependencies.
deny:
    cargo deny check bans licenses sources
