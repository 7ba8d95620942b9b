//! The HTML pages. All text from the store is escaped.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use super::http::HttpRequest;
use super::runs::{RunVerdict, Summary};
use crate::format::datum::Datum;
use crate::format::markup::Escaped;
use crate::output::store::{REPORT, SWEEP};
use crate::workload::WorkloadName;

/// The maximum number of runs on a page.
const PER_PAGE: usize = 100;

const STYLE: &str = "\
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 1rem auto; max-width: 75rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8886; padding: .25rem .5rem; text-align: left; vertical-align: top; }
td.value { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
tr.differs { background: #fb03; }
.valid::before { content: '\\2713\\a0'; } .invalid::before { content: '\\2717\\a0'; }
.valid { color: light-dark(#060, #6d6); } .invalid { color: light-dark(#a00, #f88); }
.unknown, .unfinished, .unreadable { color: light-dark(#855300, #e8b04a); }
td.wide { min-width: 14rem; }
.pair { table-layout: fixed; } .pair th, .pair td { overflow-wrap: anywhere; }
form { display: flex; flex-wrap: wrap; gap: .5rem; margin: 1rem 0; }
.scroll { overflow-x: auto; }";

/// Returns the list of runs that the parameters select, with a form to filter it.
///
/// `names` are the names of all runs. `summary` reads the results of one run. Without a filter for
/// results, only the runs of the page are read.
pub(super) fn list(
    names: &[String],
    summary: impl Fn(&str) -> Arc<Summary>,
    request: &HttpRequest,
) -> String {
    let (workload, verdict) = (request.get("workload"), request.get("verdict"));
    let text = request.get("text");
    let is_chosen = |name: &&String| {
        let has_verdict = || verdict.is_empty() || summary(name).verdict.word() == verdict;
        (workload.is_empty() || name.split('/').next() == Some(workload))
            && has_verdict()
            && (text.is_empty() || name.contains(text) || flags(&summary(name)).contains(text))
    };
    let chosen: Vec<&String> = names.iter().filter(is_chosen).collect();
    let pages = chosen.len().div_ceil(PER_PAGE).max(1);
    let page = request.get("page").parse().unwrap_or(1).clamp(1, pages);
    let mut body = String::from("<h1>Runs</h1><form method=get action=/>");
    let workloads = WorkloadName::ALL.iter().map(|workload| workload.facts().name);
    body.push_str(&choice("workload", workload, workloads));
    body.push_str(&choice("verdict", verdict, RunVerdict::ALL.into_iter().map(RunVerdict::word)));
    let _ = write!(
        body,
        "<label>flags or time <input name=text value=\"{}\"></label><button>filter</button></form>",
        escape(text)
    );
    let count = chosen.len();
    let _ = write!(body, "<p>{count} runs, page {page} of {pages}");
    for (label, number) in [("previous", page - 1), ("next", page + 1)] {
        if (1..=pages).contains(&number) {
            let parameters = [("workload", workload), ("verdict", verdict), ("text", text)];
            let query: Vec<String> = parameters
                .iter()
                .map(|(name, value)| format!("{name}={}", encode(value)))
                .collect();
            let query = escape(&query.join("&"));
            let _ = write!(body, " · <a href=\"/?{query}&amp;page={number}\">{label}</a>");
        }
    }
    body.push_str(
        "</p><form method=get action=/compare><button>compare two runs</button>\
         <div class=scroll tabindex=0 role=region aria-label=Runs><table><tr><th>compare<th>run\
         <th>verdict<th>flags<th>seconds<th>figures</tr>",
    );
    for name in chosen.iter().skip((page - 1) * PER_PAGE).take(PER_PAGE) {
        let run = &summary(name);
        let name = escape(&run.name);
        let link = escape(&encode(&run.name));
        let _ = write!(
            body,
            "<tr><td><input type=checkbox name=run value=\"{name}\" aria-label=\"compare {name}\">\
             <td><a href=\"/store/{link}/\">{name}</a><td>{}<td class=wide>{}<td>{}<td class=wide>{}</tr>",
            verdict_of(run),
            escape(&flags(run)),
            escape(&seconds(run)),
            escape(&figures(run))
        );
    }
    body.push_str("</table></div></form>");
    page_of("Runs", &body)
}

/// Returns the entries of a directory, and the results if it is a run.
pub(super) fn directory(path: &str, entries: &[String], run: Option<&Summary>) -> String {
    let path = path.trim_end_matches('/');
    let title = run.map_or(path, |run| run.name.as_str());
    let mut body = format!("<p><a href=/>all runs</a></p><h1>{}</h1>", escape(title));
    if let Some(run) = run {
        let link = escape(&encode(&run.name));
        let _ = write!(body, "<p>{} {}</p><p>", verdict_of(run), escape(&figures(run)));
        for (file, label) in [(REPORT, "report"), (SWEEP, "failing seeds of the sweep")] {
            if entries.iter().any(|entry| entry == file) {
                let _ = write!(body, "<a href=\"/store/{link}/{file}\">{label}</a> · ");
            }
        }
        let _ = write!(body, "<a href=\"/zip/{link}\">all files as a ZIP archive</a></p>");
    }
    body.push_str("<ul>");
    for entry in entries {
        // The path may lack its last slash, so that a relative link would lead elsewhere.
        let link = escape(&encode(&format!("/store/{path}/{entry}")));
        let _ = write!(body, "<li><a href=\"{link}\">{}</a>", escape(entry));
    }
    body.push_str("</ul>");
    if let Some(run) = run {
        body.push_str(
            "<div class=scroll tabindex=0 role=region aria-label=Results><table><tr><th>result\
             <th>value</tr>",
        );
        for (key, value) in run.flat() {
            let (key, value) = (escape(&key), escape(&value));
            let _ = write!(body, "<tr><td>{key}<td class=value>{value}</tr>");
        }
        body.push_str("</table></div>");
    }
    page_of(title, &body)
}

/// Returns a comparison of two runs side by side. Values that differ are marked.
pub(super) fn compare(a: &Summary, b: &Summary) -> String {
    let mut values: BTreeMap<String, [Option<String>; 2]> = BTreeMap::new();
    for (side, run) in [a, b].into_iter().enumerate() {
        for (key, value) in run.flat() {
            values.entry(key).or_default()[side] = Some(value);
        }
    }
    let mut body = String::from(
        "<p><a href=/>all runs</a></p><h1>Two runs</h1><div class=scroll tabindex=0 role=region \
         aria-label=Results><table class=pair><tr><th>result",
    );
    for run in [a, b] {
        let (name, link) = (escape(&run.name), escape(&encode(&run.name)));
        let verdict = verdict_of(run);
        let _ = write!(body, "<th><a href=\"/store/{link}/\">{name}</a> {verdict}");
    }
    body.push_str("</tr>");
    for (key, sides) in values {
        let class = if sides[0] == sides[1] { "" } else { " class=differs" };
        let _ = write!(body, "<tr{class}><td>{}", escape(&key));
        for side in sides {
            let _ = write!(body, "<td class=value>{}", escape(side.as_deref().unwrap_or("–")));
        }
        body.push_str("</tr>");
    }
    body.push_str("</table></div>");
    page_of("Two runs", &body)
}

fn page_of(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>\
         <meta name=viewport content=\"width=device-width\">\
         <meta http-equiv=Content-Security-Policy \
         content=\"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'\">\
         <style>{STYLE}</style><body><main>{body}</main></body></html>"
    )
}

fn choice(name: &str, chosen: &str, words: impl Iterator<Item = &'static str>) -> String {
    let mut html = format!("<label>{name} <select name={name}><option value=\"\">any</option>");
    for word in words {
        let selected = if word == chosen { " selected" } else { "" };
        let _ = write!(html, "<option{selected}>{word}</option>");
    }
    html.push_str("</select></label>");
    html
}

fn verdict_of(run: &Summary) -> String {
    let word = run.verdict.word();
    format!("<span class={word}>{word}</span>")
}

/// Returns the settings of a run that its results contain.
fn flags(run: &Summary) -> String {
    let mut flags = Vec::new();
    if let Some(nodes) = run.get(&["plan", "nodes"]).and_then(Datum::items) {
        flags.push(format!("{} nodes", nodes.len()));
    }
    for (key, unit) in [("rate", "/s"), ("latency-ms", " ms")] {
        if let Some(Datum::Number(number)) = run.get(&["plan", key]) {
            flags.push(format!("{}{unit}", rounded(number)));
        }
    }
    for fault in run.get(&["plan", "nemesis"]).and_then(Datum::items).unwrap_or_default() {
        flags.extend(fault.keyword().map(str::to_owned));
    }
    if let Some(Datum::Number(seed)) = run.get(&["seed"]) {
        flags.push(format!("seed {seed}"));
    }
    if let Some(driver) = run.get(&["driver"]).and_then(Datum::keyword) {
        flags.push(driver.to_owned());
    }
    flags.join(", ")
}

fn seconds(run: &Summary) -> String {
    match run.get(&["plan", "time-limit"]) {
        Some(Datum::Number(number)) => rounded(number),
        _ => String::new(),
    }
}

/// Returns a number with at most two decimal places.
fn rounded(number: &str) -> String {
    match number.parse::<f64>() {
        Ok(value) => format!("{}", (value * 100.0).round() / 100.0),
        Err(_) => number.to_owned(),
    }
}

/// Returns the figures for a comparison of runs.
fn figures(run: &Summary) -> String {
    let number = |path: &[&str]| match run.get(path) {
        Some(Datum::Number(number)) => Some(rounded(number)),
        _ => None,
    };
    let quantile = |path: &[&str], nth: usize| match &run.get(path)?.entries()?.get(nth)?.1 {
        Datum::Number(number) => Some(rounded(number)),
        _ => None,
    };
    let stable = ["workload", "stable-latencies"];
    let parts = [
        number(&["stats", "count"]).map(|count| format!("{count} operations")),
        number(&["net", "servers", "msgs-per-op"]).map(|ratio| format!("{ratio} msgs/op")),
        quantile(&stable, 1).map(|median| format!("stable median {median} ms")),
        quantile(&stable, 4).map(|max| format!("stable max {max} ms")),
        quantile(&["perf", "latencies-ms"], 1).map(|median| format!("client median {median} ms")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn escape(text: &str) -> String {
    Escaped(text).to_string()
}

/// Encodes text for a path or a parameter. Slashes remain.
fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                encoded.push(char::from(byte));
            }
            byte => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn run(name: &str, results: &str) -> Summary {
        let results = crate::format::edn_reader::EdnReader::new(results).read().unwrap().unwrap();
        Summary { name: name.to_owned(), verdict: RunVerdict::Valid, results }
    }

    #[test]
    fn nothing_from_the_store_becomes_markup() {
        let name = "echo/<script>\"'&";
        let odd = run(name, "{\"<b>\" \"</table><script>\"}");
        let request =
            HttpRequest { query: vec![("text".into(), "\"><i>".into())], ..HttpRequest::default() };
        let pages = [
            list(&[name.to_owned()], |_| Arc::new(odd.clone()), &HttpRequest::default()),
            list(&[name.to_owned()], |_| Arc::new(odd.clone()), &request),
            directory(name, &["<img>".to_owned()], Some(&odd)),
            compare(&odd, &odd),
        ];
        for page in pages {
            for markup in ["<script", "<b>", "<i>", "<img"] {
                assert!(!page.contains(markup), "{markup} in {page}");
            }
        }
    }

    #[test]
    fn two_runs_are_compared_value_by_value() {
        let page = compare(&run("a/1", "{:x {:y 1, :z 2}}"), &run("a/2", "{:x {:y 1, :z 3}}"));
        assert!(page.contains("<tr><td>x y<td class=value>1<td class=value>1"), "{page}");
        assert!(page.contains("<tr class=differs><td>x z<td class=value>2<td class=value>3"));
    }

    #[test]
    fn figures_have_two_decimal_places_and_other_values_stay() {
        let results = "{:net {:servers {:msgs-per-op 6.432232626909808}}, :stats {:count 2029}}";
        assert_eq!(figures(&run("a/1", results)), "2029 operations, 6.43 msgs/op");
        for (number, shown) in [("100.0", "100"), ("0.005", "0.01"), ("1e400", "inf"), ("x", "x")] {
            assert_eq!(rounded(number), shown);
        }
    }

    #[test]
    fn a_page_of_a_run_leads_to_its_report_and_its_archive() {
        let odd = run("echo/1 2", "{}");
        let page = directory("echo/1 2", &["node-logs/".into(), "report.html".into()], Some(&odd));
        for link in
            ["/store/echo/1%202/report.html", "/zip/echo/1%202", "/store/echo/1%202/node-logs/"]
        {
            assert!(page.contains(&format!("href=\"{link}\"")), "{link} in {page}");
        }
        assert!(!page.contains("sweep.html"));
    }

    #[test]
    fn a_page_lists_a_hundred_runs() {
        let names: Vec<String> = (0..250).map(|n| format!("echo/{n:03}")).collect();
        let read = Cell::new(0);
        let summary = |name: &str| {
            read.set(read.get() + 1);
            Arc::new(run(name, "{}"))
        };
        let request =
            HttpRequest { query: vec![("page".into(), "3".into())], ..HttpRequest::default() };
        let page = list(&names, summary, &request);
        assert_eq!(read.get(), 50, "only the runs of the page are read");
        assert!(page.contains("250 runs, page 3 of 3") && page.contains("echo/249"), "{page}");
        assert!(!page.contains("echo/199") && page.contains("page=2"));
    }
}
