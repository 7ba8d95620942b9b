//! The table of a sweep's failing seeds: on the terminal, as JSON and as a page.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

use minijinja::{AutoEscape, Environment, Value, context};
use serde_json::json;

use crate::judge::Valid;

const TEMPLATE: &str = include_str!("sweep.html");
const COLORS: &str = include_str!("../report/assets/plot.css");

/// The maximum number of rows on the terminal, and on the page.
const MAX_ROWS: usize = 100;
const MAX_PAGE_ROWS: usize = 2000;

/// A seed whose test is not valid.
#[derive(Clone, Debug)]
pub struct FailingSeed {
    /// The seed.
    pub seed: u64,
    /// The verdict: invalid or unknown.
    pub valid: Valid,
    /// The first problem, in one line.
    pub reason: Option<String>,
    /// The flags that a swarm drew.
    pub settings: Option<String>,
    /// The command line that runs the seed again.
    pub command: String,
    /// The duration of the simulation in real time.
    pub took: Duration,
}

/// The smallest test that fails in the same way as the first invalid seed.
#[derive(Clone, Debug)]
pub struct SmallTest {
    /// The command line that runs it.
    pub command: String,
    /// The size, in words.
    pub size: String,
    /// The path of its report, from the directory of the table.
    pub report: String,
}

/// The failing seeds of a sweep.
#[derive(Clone, Debug)]
pub struct SweepTable {
    /// The workload.
    pub workload: &'static str,
    /// The number of seeds that were tried.
    pub tried: usize,
    /// The number of valid seeds.
    pub valid: usize,
    /// The other seeds, in order.
    pub failing: Vec<FailingSeed>,
    /// The reduced test of the first invalid seed, if there is one.
    pub small: Option<SmallTest>,
}

impl SweepTable {
    /// Returns the table of the first `MAX_ROWS` failing seeds, for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let shown = &self.failing[..self.failing.len().min(MAX_ROWS)];
        let width = shown.iter().map(|row| row.seed.to_string().len()).max().unwrap_or(0);
        let width = width.max("seed".len());
        let mut text = format!("{:>width$}  verdict  seconds  reason\n", "seed");
        for row in shown {
            let (seed, verdict, seconds) = (row.seed, row.valid.name(), row.took.as_secs_f64());
            let reason = row.reason.as_deref().unwrap_or_default();
            let line = format!("{seed:>width$}  {verdict}  {seconds:>7.2}  {reason}");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}\n{:>width$}  {}", line.trim_end(), "", row.command);
        }
        if let Some(more @ 1..) = self.failing.len().checked_sub(MAX_ROWS) {
            let _ = writeln!(text, "… and {more} more, see the results");
        }
        text
    }

    /// Returns all failing seeds, with their command lines.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let row = |row: &FailingSeed| {
            json!({
                "seed": row.seed,
                "verdict": row.valid.name(),
                "reason": row.reason,
                "settings": row.settings,
                "command": row.command,
                "seconds": row.took.as_secs_f64(),
            })
        };
        let small = |small: &SmallTest| json!({"command": small.command, "size": small.size, "report": small.report});
        json!({
            "workload": self.workload,
            "seed-count": self.tried,
            "valid-count": self.valid,
            "failing": self.failing.iter().map(row).collect::<Vec<_>>(),
            "minimized": self.small.as_ref().map(small),
        })
    }

    /// Writes the table as a self-contained page.
    ///
    /// # Errors
    ///
    /// Returns an error if `out` cannot be written to.
    pub fn write_page(&self, out: &mut impl Write) -> io::Result<()> {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.add_template("sweep.html", TEMPLATE).map_err(io::Error::other)?;
        let template = environment.get_template("sweep.html").map_err(io::Error::other)?;
        // The report beside the table shows the first invalid seed.
        let first = self.failing.iter().find(|row| row.valid == Valid::False);
        let rows = self.failing.iter().take(MAX_PAGE_ROWS).map(|row| {
            context! {
                seed => row.seed.to_string(),
                verdict => row.valid.name(),
                seconds => format!("{:.2}", row.took.as_secs_f64()),
                reason => row.reason.as_deref(),
                settings => row.settings.as_deref(),
                command => row.command.as_str(),
                has_report => first.is_some_and(|first| first.seed == row.seed),
            }
        });
        let small = self.small.as_ref().map(|small| {
            context! {
                command => small.command.as_str(),
                size => small.size.as_str(),
                report => small.report.as_str(),
            }
        });
        let page = context! {
            workload => self.workload,
            tried => self.tried,
            valid => self.valid,
            failing => self.failing.len(),
            left_out => self.failing.len().saturating_sub(MAX_PAGE_ROWS),
            is_swarm => self.failing.iter().any(|row| row.settings.is_some()),
            rows => rows.collect::<Vec<_>>(),
            small,
            colors => Value::from_safe_string(COLORS.to_owned()),
        };
        template.render_captured_to(page, &mut *out).map_err(io::Error::other)?;
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(seed: u64, valid: Valid) -> FailingSeed {
        FailingSeed {
            seed,
            valid,
            reason: Some("lost value: <7>".to_owned()),
            settings: (seed == 3).then(|| "--rate 2".to_owned()),
            command: format!("cargo workbench test --seed {seed}"),
            took: Duration::from_millis(250),
        }
    }

    fn table(failing: Vec<FailingSeed>) -> SweepTable {
        let tried = failing.len() + 7;
        SweepTable { workload: "echo", tried, valid: 7, failing, small: None }
    }

    #[test]
    fn the_terminal_shows_each_failing_seed_with_its_command() {
        let rows = vec![failing(1, Valid::Unknown), failing(12345, Valid::False)];
        assert_eq!(
            table(rows).text(),
            " seed  verdict  seconds  reason\n    \
             1  unknown     0.25  lost value: <7>\n       cargo workbench test --seed 1\n\
             12345  invalid     0.25  lost value: <7>\n       cargo workbench test --seed 12345\n"
        );
        let text = table((0..150).map(|seed| failing(seed, Valid::False)).collect()).text();
        assert_eq!(text.lines().count(), 202);
        assert!(text.ends_with("… and 50 more, see the results\n"), "{text}");
    }

    #[test]
    fn the_json_has_every_failing_seed_and_the_small_test() {
        let mut table = table((0..150).map(|seed| failing(seed, Valid::False)).collect());
        assert_eq!(table.json()["failing"][149]["command"], "cargo workbench test --seed 149");
        assert_eq!(table.json()["minimized"], serde_json::Value::Null);
        let [command, size, report] = ["run", "1 of 9 operations", "minimized/report.html"];
        let small = [command, size, report].map(str::to_owned);
        let [command, size, report] = small;
        table.small = Some(SmallTest { command, size, report });
        assert_eq!(
            table.json()["minimized"],
            json!({"command": "run", "size": "1 of 9 operations", "report": "minimized/report.html"})
        );
        assert_eq!(
            (&table.json()["seed-count"], &table.json()["valid-count"]),
            (&157.into(), &7.into())
        );
    }

    #[test]
    fn the_page_links_the_report_of_the_first_invalid_seed_and_escapes_reasons() {
        let rows =
            vec![failing(1, Valid::Unknown), failing(2, Valid::False), failing(3, Valid::False)];
        let page = |table: &SweepTable| {
            let mut page = Vec::new();
            table.write_page(&mut page).unwrap();
            String::from_utf8(page).unwrap()
        };
        let shown = page(&table(rows));
        assert_eq!(shown.matches(r#"href="report.html""#).count(), 1, "{shown}");
        assert_eq!(shown.matches("<tr>").count(), 4, "{shown}");
        assert!(shown.contains("lost value: &lt;7&gt;") && !shown.contains("<7>"), "{shown}");
        assert!(shown.contains("3 of 10 seeds") && shown.contains("--rate 2"), "{shown}");
        let many = page(&table((0..3000).map(|seed| failing(seed, Valid::Unknown)).collect()));
        assert!(many.contains("1000 more failing seeds") && !many.contains("report.html"));
    }
}
