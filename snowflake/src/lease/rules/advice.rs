//! The commands that an operator is told to look and to set marks with.

use std::fmt;

use crate::NodeId;

/// Where an operator reads on before a mark is set by hand.
pub(super) const RISKS: &str = "its `--help` says what that risks";

/// `snowflake lease reset`, as a shell reads it.
pub(super) struct Reset<'a> {
    /// `None` where only the operator knows it: a URL has a password in it.
    pub(super) place: Option<&'a str>,
    /// `None` for all of them.
    pub(super) node: Option<NodeId>,
    /// A file store knows its own, unless it is damaged.
    pub(super) needs_epoch: bool,
}

impl fmt::Display for Reset<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`snowflake lease reset ")?;
        match self.place {
            Some(place) => Quoted(place).fmt(f)?,
            None => f.write_str("STORE")?,
        }
        match self.node {
            Some(node) => write!(f, " {node}")?,
            None => f.write_str(" --all")?,
        }
        f.write_str(" --mark now")?;
        f.write_str(if self.needs_epoch { " --epoch EPOCH`" } else { "`" })
    }
}

/// `snowflake lease status` of a folder, as a shell reads it.
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

/// Whether a shell leaves it as it is.
fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || "/._-+,:@%=".contains(c)
}
