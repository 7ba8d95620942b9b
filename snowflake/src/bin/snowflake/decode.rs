//! `snowflake decode`: the parts of IDs.

use std::io::{self, BufRead};
use std::process::ExitCode;

use clap::ValueEnum;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;
use snowflake::{Clock, Epoch, Id, ParseIdError, SystemClock, TextBuffer, UnixMillis};

use crate::Failure;
use crate::output::{Lines, Output, Reader, warn};

/// Take IDs apart: timestamp, node ID and sequence.
///
/// One ID is printed as a list of its parts, and several as one line each.
#[derive(clap::Args)]
pub(crate) struct Decode {
    /// The IDs. Without any, they are read from standard input, one on each line.
    ids: Vec<String>,
    /// The epoch: `twitter`, `discord`, a year, an RFC 3339 date or time, or milliseconds.
    #[arg(long)]
    epoch: Option<Epoch>,
    /// The form of the IDs. Without it, 13 characters of base32 and 16 hexadecimal digits are
    /// recognized unless the text is a decimal ID.
    #[arg(long)]
    format: Option<Format>,
    /// Print times in the local time zone instead of UTC.
    #[arg(long)]
    local: bool,
}

/// The text forms of an ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Decimal digits, without leading zeros.
    Decimal,
    /// 13 characters of Crockford's base32. They sort by time as text.
    Base32,
    /// 16 hexadecimal digits. They sort by time as text.
    Hex,
}

impl Format {
    pub(crate) fn encode(self, id: Id, buffer: &mut TextBuffer) -> &str {
        match self {
            Format::Decimal => id.encode_decimal(buffer),
            Format::Base32 => id.encode_base32(buffer),
            Format::Hex => id.encode_hex(buffer),
        }
    }

    fn parse(self, text: &str) -> Result<Id, ParseIdError> {
        match self {
            Format::Decimal => text.parse(),
            Format::Base32 => Id::from_base32(text),
            Format::Hex => Id::from_hex(text),
        }
    }
}

/// Parses an ID in any form. Decimal text has no leading zero and thus wins where it is valid.
fn parse_any(text: &str) -> Result<Id, ParseIdError> {
    text.parse()
        .or_else(|error| Id::from_base32(text).or_else(|_| Id::from_hex(text)).map_err(|_| error))
}

impl Decode {
    pub(crate) fn run(&self, as_json: bool) -> Result<ExitCode, Failure> {
        let mut printer = Printer { decode: self, as_json, lines: Lines::new(), has_warned: false };
        // All arguments are checked before the first is printed.
        let ids: Vec<Id> = self.ids.iter().map(|text| self.parse_argument(text)).collect();
        match ids[..] {
            [] => return printer.stdin(),
            [id] => printer.one(id)?,
            _ => ids.into_iter().try_fold(Reader::Reads, |_, id| printer.row(id))?,
        };
        printer.lines.flush()?;
        Ok(ExitCode::SUCCESS)
    }

    /// Parses an argument. For a wrong one the process ends as clap ends it for others.
    fn parse_argument(&self, text: &str) -> Id {
        self.parse(text).unwrap_or_else(|error| {
            let problem = format!("invalid value '{}' for '<ID>': {error}\n", text.escape_debug());
            clap::Error::raw(clap::error::ErrorKind::ValueValidation, problem).exit()
        })
    }

    fn parse(&self, text: &str) -> Result<Id, ParseIdError> {
        match self.format {
            Some(format) => format.parse(text),
            None => parse_any(text),
        }
    }

    /// Returns the time of an ID as text, if the epoch is known.
    fn time_text(&self, time: Option<UnixMillis>) -> Option<String> {
        let time = time?;
        let local = || {
            let timestamp = Timestamp::from_millisecond(i64::try_from(time.0).ok()?).ok()?;
            let zoned = timestamp.to_zoned(TimeZone::system());
            Some(zoned.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string())
        };
        Some(local().filter(|_| self.local).unwrap_or_else(|| time.to_string()))
    }
}

/// Returns the beginning of a line, which may be of any length and hold any characters.
fn excerpt(text: &str) -> String {
    let beginning: String = text.chars().take(40).collect();
    let more = if beginning.len() < text.len() { "…" } else { "" };
    format!("{}{more}", beginning.escape_debug())
}

struct Printer<'a> {
    decode: &'a Decode,
    as_json: bool,
    lines: Lines,
    has_warned: bool,
}

impl Printer<'_> {
    /// Prints the parts of the only ID as a list.
    fn one(&mut self, id: Id) -> Result<Reader, Failure> {
        let parts = id.parts();
        let mut buffer = TextBuffer::new();
        let time = self.decode.time_text(self.time(id)).unwrap_or_else(|| {
            "unknown without --epoch (such as `2024`, `twitter` or `discord`)".to_owned()
        });
        let mut text = format!(
            "timestamp    {} ms since the epoch\nnode ID      {}\nsequence     {}\ntime         {time}",
            parts.timestamp_ms, parts.node, parts.sequence,
        );
        for (name, format) in
            [("decimal", Format::Decimal), ("base32", Format::Base32), ("hex", Format::Hex)]
        {
            text += &format!("\n{name:<13}{}", format.encode(id, &mut buffer));
        }
        self.print(id, text)
    }

    /// Prints an ID of several as a line.
    fn row(&mut self, id: Id) -> Result<Reader, Failure> {
        let parts = id.parts();
        let time = self.decode.time_text(self.time(id));
        let time = time.unwrap_or_else(|| format!("{} ms", parts.timestamp_ms));
        self.print(id, format!("{id:<19}  {time}  node {:<4}  {}", parts.node, parts.sequence))
    }

    fn print(&mut self, id: Id, text: String) -> Result<Reader, Failure> {
        let parts = id.parts();
        let time = self.time(id);
        self.warn_if_implausible(id);
        let value = json!({
            "id": id.to_string(),
            "timestamp_ms": parts.timestamp_ms,
            "node": parts.node,
            "sequence": parts.sequence,
            "unix_ms": time.map(|time| time.0),
            "time": self.decode.time_text(time),
        });
        self.lines.write(&Output { text, value }, self.as_json)
    }

    fn time(&self, id: Id) -> Option<UnixMillis> {
        self.decode.epoch.map(|epoch| id.time(epoch))
    }

    /// Decodes the lines of standard input. A line that is not an ID does not end the command.
    fn stdin(&mut self) -> Result<ExitCode, Failure> {
        let mut code = ExitCode::SUCCESS;
        for (number, line) in io::stdin().lock().lines().enumerate() {
            let line = line.map_err(|error| format!("cannot read standard input: {error}"))?;
            let text = line.trim();
            if text.is_empty() {
                continue;
            }
            match self.decode.parse(text) {
                Ok(id) => {
                    self.row(id)?;
                    // A person may type the lines.
                    if self.lines.flush()? == Reader::Gone {
                        break;
                    }
                }
                Err(error) => {
                    warn(&format_args!("line {}, `{}`: {error}", number + 1, excerpt(text)));
                    code = ExitCode::FAILURE;
                }
            }
        }
        Ok(code)
    }

    /// Warns once if an ID is from the future: it was probably issued with an earlier epoch.
    fn warn_if_implausible(&mut self, id: Id) {
        const DAY_MS: u64 = 86_400_000;
        let now = SystemClock.now();
        let Some(time) = self.time(id).filter(|time| time.0 > now.0.saturating_add(DAY_MS)) else {
            return;
        };
        if std::mem::replace(&mut self.has_warned, true) {
            return;
        }
        let known =
            [("twitter", Epoch::TWITTER), ("discord", Epoch::DISCORD), ("2024", Epoch::Y2024)];
        let plausible = known
            .into_iter()
            .map(|(name, epoch)| (name, id.time(epoch)))
            .filter(|(_, time)| *time <= now)
            .map(|(name, time)| format!("; with --epoch {name} it is {time}"));
        warn(&format_args!(
            "warning: {time} of ID {id} is in the future; the ID was probably issued with another \
             epoch{}",
            plausible.collect::<String>()
        ));
    }
}
