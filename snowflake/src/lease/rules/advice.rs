//! The commands that error messages recommend.

use std::fmt;

use crate::NodeId;

/// Where an operator reads on before setting a high-water mark by hand.
pub(super) const RISKS: &str = "whose `--help` names the risks";

/// The command `snowflake lease reset`, quoted for a shell.
pub(super) struct Reset<'a> {
    /// `None` if the message must not show it: a URL may have a password in it.
    pub(super) place: Option<&'a str>,
    /// `None` for all node IDs.
    pub(super) node: Option<NodeId>,
    /// A file store has recorded its epoch, unless it is damaged.
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
