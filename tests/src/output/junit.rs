//! Verdicts in the XML format of JUnit, which most continuous-integration services read.

use std::fmt::Write as _;
use std::path::Path;

use crate::format::markup::Escaped;
use crate::judge::Valid;
use crate::runner::failure::Failure;

/// One test.
#[derive(Clone, Debug)]
pub struct TestCase {
    /// The workload.
    pub workload: &'static str,
    /// The seed, which names the test.
    pub seed: u64,
    /// The verdict; `None` if the test could not be completed.
    pub valid: Option<Valid>,
    /// The anomalies and findings, or the failure.
    pub text: String,
}

/// Writes all cases to a file.
///
/// # Errors
///
/// If the file cannot be written.
pub fn write(path: &Path, cases: &[TestCase]) -> Result<(), Failure> {
    std::fs::write(path, to_xml(cases)).map_err(|error| Failure::Store {
        path: path.display().to_string(),
        reason: error.to_string(),
    })
}

fn to_xml(cases: &[TestCase]) -> String {
    let count = |wanted: &dyn Fn(Option<Valid>) -> bool| {
        cases.iter().filter(|case| wanted(case.valid)).count()
    };
    let failures = count(&|valid| valid == Some(Valid::False));
    let errors = count(&|valid| valid.is_none());
    let skipped = count(&|valid| valid == Some(Valid::Unknown));
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"workbench\" tests=\"{}\" \
         failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\">\n",
        cases.len()
    );
    for case in cases {
        // Writing to a string cannot fail.
        let _ = write!(
            xml,
            "  <testcase classname=\"workbench.{}\" name=\"seed {}\"",
            case.workload, case.seed
        );
        let element = match case.valid {
            Some(Valid::True) => {
                xml.push_str("/>\n");
                continue;
            }
            Some(Valid::False) => "failure",
            Some(Valid::Unknown) => "skipped",
            None => "error",
        };
        let first = case.text.lines().next().unwrap_or_default();
        let _ = write!(
            xml,
            ">\n    <{element} message=\"{}\">{}</{element}>\n  </testcase>\n",
            Escaped(first),
            Escaped(&case.text)
        );
    }
    xml.push_str("</testsuite>\n");
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_has_its_element_and_texts_are_escaped() {
        let case = |seed, valid, text: &str| TestCase {
            workload: "echo",
            seed,
            valid,
            text: text.to_owned(),
        };
        let xml = to_xml(&[
            case(1, Some(Valid::True), ""),
            case(2, Some(Valid::False), "a <b> & \"c\"\nd\u{1b}"),
            case(3, Some(Valid::Unknown), "too little"),
            case(4, None, "no node"),
        ]);
        assert_eq!(
            xml,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <testsuite name=\"workbench\" tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"1\">\n  \
             <testcase classname=\"workbench.echo\" name=\"seed 1\"/>\n  \
             <testcase classname=\"workbench.echo\" name=\"seed 2\">\n    \
             <failure message=\"a &lt;b&gt; &amp; &quot;c&quot;\">a &lt;b&gt; &amp; &quot;c&quot;\nd\u{fffd}\
             </failure>\n  </testcase>\n  \
             <testcase classname=\"workbench.echo\" name=\"seed 3\">\n    \
             <skipped message=\"too little\">too little</skipped>\n  </testcase>\n  \
             <testcase classname=\"workbench.echo\" name=\"seed 4\">\n    \
             <error message=\"no node\">no node</error>\n  </testcase>\n</testsuite>\n"
        );
    }
}
