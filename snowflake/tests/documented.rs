//! What the documents say of the package is what its manifest says.

#[test]
fn the_documents_name_the_oldest_rust_that_will_do() {
    let needed = concat!("Rust ", env!("CARGO_PKG_RUST_VERSION"), " or later");
    for (name, text) in [
        ("README.md", include_str!("../../README.md")),
        ("src/lib.rs", include_str!("../src/lib.rs")),
    ] {
        assert!(text.contains(needed), "{name} does not say \"{needed}\"");
    }
}
