//! `snowflake at`: the IDs of a time.

use serde_json::json;
use snowflake::{Clock, Epoch, Id, ParseTimeError, SystemClock, UnixMillis};

use crate::Failure;
use crate::output::Output;

/// Print the first and the last ID of a time, for a query.
///
/// `WHERE id BETWEEN first AND last` finds the rows of all nodes from that time.
#[derive(clap::Args)]
pub(crate) struct At {
    /// `now`, a year, an RFC 3339 date or time, or milliseconds since 1970.
    ///
    /// A year or a date means its first millisecond in UTC.
    #[arg(value_parser = time)]
    time: UnixMillis,
    /// The last time of a range, in the same forms. Without it the range is one millisecond. A date
    /// is its first millisecond: write 2026-01-31T23:59:59.999Z for the end of January.
    #[arg(long, value_parser = time, value_name = "TIME")]
    until: Option<UnixMillis>,
    /// The epoch: `twitter`, `discord`, a year, an RFC 3339 date or time, or milliseconds.
    #[arg(long)]
    epoch: Epoch,
}

/// Parses a time of the command line.
pub(crate) fn time(text: &str) -> Result<UnixMillis, String> {
    match text {
        "now" => Ok(SystemClock.now()),
        // As in `--epoch`. No ID is from the first ten seconds of 1970.
        year if year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit()) => {
            time(&format!("{year}-01-01"))
        }
        other => other.parse().map_err(|error| match error {
            ParseTimeError::Unrecognized => format!("{error}, a year, or `now`"),
            error => error.to_string(),
        }),
    }
}

impl At {
    /// Returns the IDs of the range.
    pub(crate) fn run(&self) -> Result<Output, Failure> {
        let At { time, until, epoch } = *self;
        let until = until.unwrap_or(time);
        if until < time {
            return Err(format!("--until is {until}, before {time}: swap the two").into());
        }
        let outside = || {
            format!(
                "no ID has a time from {time} to {until}: IDs of this epoch are from {} to {}",
                epoch.start(),
                epoch.end()
            )
        };
        let first: Id = epoch.first_id_at(time).ok_or_else(outside)?;
        let last: Id = epoch.last_id_at(until).ok_or_else(outside)?;
        Ok(Output {
            text: format!(
                "first ID     {first}\nlast ID      {last}\nfrom         {time}\nuntil        {until}"
            ),
            value: json!({
                "first_id": first.to_string(),
                "last_id": last.to_string(),
                "from_ms": time.0,
                "until_ms": until.0,
            }),
        })
    }
}
