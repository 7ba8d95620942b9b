//! `report.html`: a self-contained page that needs no network.

use std::io::{self, Write};

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};
use serde::Serialize;

use super::cycle;
use super::data::{AnomalyEntry, OpOutcome, Operation, ReportData};
use super::plots::Plot;
use crate::judge::{QUANTILES, quantile};

const TEMPLATE: &str = include_str!("assets/report.html");
const PLOT_CSS: &str = include_str!("assets/plot.css");
const REPORT_CSS: &str = include_str!("assets/report.css");
const REPORT_JS: &str = include_str!("assets/report.js");

/// The text before and after the data of the page's script. The data never contains `<`.
const DATA_BEGIN: &str = r#"<script type="application/json" id="data">"#;
const DATA_END: &str = "</script>";

/// The maximum number of anomalies, and of findings, on a page.
const MAX_LISTED: usize = 100;

#[derive(Serialize)]
struct Picture {
    name: String,
    picture: Value,
}

#[derive(Serialize)]
struct FaultRow {
    kind: String,
    start: String,
    end: String,
    detail: String,
}

#[derive(Serialize)]
struct QuantileRow {
    name: String,
    values: Vec<String>,
}

#[derive(Serialize)]
struct KindRow {
    name: String,
    count: u64,
    per_op: String,
}

/// Writes the page.
///
/// # Errors
///
/// Returns an error if `out` cannot be written to.
pub fn write(data: &ReportData, plots: &[Plot], out: &mut impl Write) -> io::Result<()> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("report.html", TEMPLATE).map_err(io::Error::other)?;
    let template = environment.get_template("report.html").map_err(io::Error::other)?;
    let script = script_json(data)?;
    let listed = |anomalies: &[AnomalyEntry]| value(&anomalies[..anomalies.len().min(MAX_LISTED)]);
    let pictures: Vec<Picture> = plots
        .iter()
        .map(|plot| Picture {
            name: plot.file.trim_end_matches(".svg").to_owned(),
            picture: Value::from_safe_string(plot.svg.inline()),
        })
        .collect();
    let cycles: Vec<Value> = data
        .cycles
        .iter()
        .map(|found| {
            let picture = Value::from_safe_string(cycle::draw(found).inline());
            context! { name => found.name.as_str(), steps => value(&found.steps), picture }
        })
        .collect();
    let page = context! {
        workload => data.workload.as_str(),
        verdict => value(&data.verdict),
        figures => value(&data.figures),
        settings => value(&data.settings),
        replay => data.replay.as_deref(),
        anomalies => listed(&data.anomalies),
        anomaly_count => data.anomalies.len(),
        findings => listed(&data.findings),
        finding_count => data.findings.len(),
        warnings => value(&data.warnings),
        linearizations => value(&data.linearizations),
        cycles,
        plots => value(pictures),
        quantiles => value(quantile_rows(data)),
        kinds => value(kind_rows(data)),
        faults => value(fault_rows(data)),
        logs => value(&data.logs),
        results => data.results.as_str(),
        plot_css => Value::from_safe_string(PLOT_CSS.to_owned()),
        report_css => Value::from_safe_string(REPORT_CSS.to_owned()),
        report_js => Value::from_safe_string(REPORT_JS.to_owned()),
        data => Value::from_safe_string(script),
    };
    template.render_captured_to(page, &mut *out).map_err(io::Error::other)?;
    out.flush()
}

/// Converts one of the bench's values for the templates.
fn value(ours: impl Serialize) -> Value {
    Value::from(Serde(ours))
}

/// Returns the script's data as JSON that cannot end the script element.
fn script_json(data: &ReportData) -> io::Result<String> {
    let json = serde_json::to_string(&data.for_script()).map_err(io::Error::other)?;
    Ok(escape_for_script(&json))
}

/// Escapes the characters that have a meaning in a script element.
///
/// In JSON these characters occur only within strings, where an escape denotes the same character.
/// A text with `</script>` would end the element, and a text with `<!--` would hide that end.
/// U+2028 and U+2029 end a line of JavaScript, but not of JSON.
fn escape_for_script(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + json.len() / 64);
    let mut plain = 0;
    for (at, c) in json.char_indices() {
        if matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}') {
            out.push_str(&json[plain..at]);
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
            plain = at + c.len_utf8();
        }
    }
    out.push_str(&json[plain..]);
    out
}

/// Returns the JSON data of the script in a page.
#[must_use]
pub fn embedded_json(page: &str) -> Option<&str> {
    let (_, data) = page.split_once(DATA_BEGIN)?;
    Some(data.split_once(DATA_END)?.0)
}

fn fault_rows(data: &ReportData) -> Vec<FaultRow> {
    let row = |fault: &super::data::FaultPeriod| FaultRow {
        kind: fault.kind.clone(),
        start: format!("{:.3} s", data.seconds(fault.start_us)),
        end: format!("{:.3} s", data.seconds(fault.end_us)),
        detail: fault.detail.clone(),
    };
    data.faults.iter().map(row).collect()
}

/// Returns quantiles of the latency of successful operations.
///
/// There is one row per kind, and one for all kinds if there are several.
fn quantile_rows(data: &ReportData) -> Vec<QuantileRow> {
    let row = |name: &str, belongs: &dyn Fn(&Operation) -> bool| {
        let ok = |op: &&Operation| op.outcome == OpOutcome::Ok && belongs(op);
        let mut took: Vec<u64> = data.operations.iter().filter(ok).map(|op| op.took_us).collect();
        took.sort_unstable();
        let millis = |point| Some(format!("{:.3}", quantile(&took, point)? as f64 / 1000.0));
        let quantiles: Option<Vec<String>> = QUANTILES.into_iter().map(millis).collect();
        let mut values = vec![took.len().to_string()];
        values.extend(quantiles?);
        Some(QuantileRow { name: name.to_owned(), values })
    };
    let by_f = data.functions.iter().enumerate();
    let mut rows: Vec<QuantileRow> =
        by_f.filter_map(|(f, name)| row(name, &|op| op.f as usize == f)).collect();
    if rows.len() > 1 {
        rows.extend(row("all", &|_| true));
    }
    rows
}

/// The maximum number of message types in the table. A node can invent types.
const MAX_KIND_ROWS: usize = 40;

fn kind_rows(data: &ReportData) -> Vec<KindRow> {
    let operations = data.operations.len().max(1) as f64;
    let row = |(kind, count): (u32, u64)| KindRow {
        name: data.kinds.get(kind as usize).cloned().unwrap_or_default(),
        count,
        per_op: format!("{:.3}", count as f64 / operations),
    };
    data.messages_by_kind().into_iter().take(MAX_KIND_ROWS).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::super::data::{
        Cycle, CycleStep, Entry, FaultPeriod, Lane, Linearization, LogTail, OperationLink, Role,
    };
    use super::super::plots;
    use super::*;

    /// A text with which a node could try to break out of any context in the page.
    const HOSTILE: &str = "</script><!--<script>window.broken=1</script>\"'><img src=x onerror=alert(1)>\u{2028}{{ x }}";

    fn hostile() -> ReportData {
        let text = || HOSTILE.to_owned();
        let entry = || vec![Entry::new(HOSTILE, HOSTILE)];
        let anomaly = AnomalyEntry {
            text: text(),
            cause: Some(text()),
            operations: vec![0],
            from_us: 0,
            until_us: 1,
        };
        let operation = Operation {
            index: 0,
            client: 0,
            process: 0,
            f: 0,
            start_us: 10,
            took_us: 5,
            outcome: OpOutcome::Ok,
            text: text(),
        };
        let fault = FaultPeriod { kind: text(), detail: text(), start_us: 0, end_us: 9 };
        let link = || OperationLink { text: text(), index: Some(0) };
        let step = CycleStep { transaction: link(), edge: text(), because: text() };
        let linearization = Linearization {
            key: text(),
            unplaceable: link(),
            prefix_count: text(),
            prefix: vec![link()],
            values: text(),
            pending: vec![link()],
        };
        ReportData {
            workload: text(),
            figures: entry(),
            settings: entry(),
            replay: Some(text()),
            end_us: 100,
            functions: vec![text()],
            clients: vec![text()],
            operations: vec![operation],
            faults: vec![fault],
            lanes: vec![Lane { name: text(), role: Role::Node }],
            kinds: vec![text()],
            anomalies: vec![anomaly.clone()],
            findings: vec![anomaly],
            warnings: vec![text()],
            linearizations: vec![linearization],
            cycles: vec![Cycle { name: text(), steps: vec![step.clone(), step] }],
            logs: vec![LogTail { node: text(), text: text(), left_out: 7 }],
            results: text(),
            ..ReportData::default()
        }
    }

    fn rendered(data: &ReportData) -> String {
        let mut page = Vec::new();
        write(data, &plots::all(data), &mut page).unwrap();
        String::from_utf8(page).unwrap()
    }

    #[test]
    fn no_text_of_a_node_becomes_markup_or_script() {
        let page = rendered(&hostile());
        assert_eq!(page.matches("<script").count(), 2, "the data and the script, nothing else");
        assert_eq!(page.matches("</script").count(), 2);
        assert!(!page.contains("<!--") && !page.contains("<img"), "{page}");
        assert_eq!(page.matches("{{ x }}").count(), page.matches("{{").count());
        let json = embedded_json(&page).unwrap();
        assert!(!json.contains(['<', '>', '&', '\u{2028}']), "{json}");
        let data: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(data["workload"], HOSTILE, "the escapes mean the same text");
        assert_eq!(data["operations"]["text"][0], HOSTILE);
    }

    #[test]
    fn a_report_without_operations_is_a_valid_page() {
        let page = rendered(&ReportData::default());
        assert!(page.contains("nothing to show"), "{page}");
        assert!(embedded_json(&page).is_some());
        assert_eq!(embedded_json("<html></html>"), None);
    }

    #[test]
    fn a_page_refers_to_nothing_outside_itself() {
        let page = rendered(&hostile());
        let own = page.replace("http://www.w3.org/2000/svg", "");
        for reference in ["http:", "https:", "<link", "@import", "url(", " src=\"", "import("] {
            assert!(!own.contains(reference), "{reference}");
        }
    }
}
