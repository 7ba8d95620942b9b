//! The commands that error messages recommend.

use std::fmt;

use crate::NodeId;

/// A reference to the risks of setting a high-water mark by hand.
pub(super) const RISKS: &str = "whose `--help` names the risks";

/// The command `snowflake lease reset`, quoted for a shell.
pub(super) struct Reset<'a> {
    /// The store, or `None` for a placeholder: a message must not show a URL, because it may have
    /// a password.
    pub(super) store: Option<&'a str>,
    /// `None` for all node IDs.
    pub(super) node: Option<NodeId>,
    /// `false` for a file store that has recorded its epoch.
    pub(super) needs_epoch: bool,
}

impl fmt::Display for Reset<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`snowflake lease reset ")?;
        match self.store {
            Some(store) => Quoted(store).fmt(f)?,
            None => f.write_str("STORE")?,
        }
        match self.node {
            Some(node) => write!(f, " {node}")?,
            None => f.write_str(" --all")?,
        }
        f.write_str(" --high-water-mark now")?;
        f.write_str(if self.needs_epoch { " --epoch EPOCH`" } else { "`" })
    }
}

/// The command `snowflake lease status` of a directory, quoted for a shell.
pub(super) struct Status<'a>(pub(super) &'a str);

impl fmt::Display for Status<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`snowflake lease status {}`", Quoted(self.0))
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            plain if plain.chars().all(is_plain) => f.write_str(plain),
            other => write!(f, "'{}'", other.replace('\'', r"'\''")),
        }
    }
}

/// Returns `true` if a shell does not interpret the character.
fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || "/._-+,:@%=".contains(c)
}
