//! The command that error messages recommend.

use std::fmt;

use crate::NodeId;

/// The meaning of the placeholder in [`Reset`]. After a wrong time, IDs can be issued twice.
pub(super) const RISKS: &str = "where TIME is after every issued ID (its `--help` has the risks)";

/// The command `snowflake lease reset`, quoted for a shell.
pub(super) struct Reset<'a> {
    /// The store, or `None` for a placeholder: a message must not show a URL, because it may have
    /// a password.
    pub(super) store: Option<&'a str>,
    /// `None` for all node IDs.
    pub(super) node: Option<NodeId>,
    /// `true` for a file store whose recorded epoch is unreadable.
    pub(super) needs_epoch: bool,
    /// `true` if the recorded mark is too far ahead.
    pub(super) lowers: bool,
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
        f.write_str(" --high-water-mark TIME")?;
        f.write_str(if self.lowers { " --lower" } else { "" })?;
        f.write_str(if self.needs_epoch { " --epoch EPOCH`" } else { "`" })
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
