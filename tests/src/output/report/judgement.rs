//! The judgement of a test, or of a history that was read from a file.

use std::path::Path;

use super::figures::{Figures, faults};
use super::{MAX_EXAMPLES, Report};
use crate::format::edn::Edn;
use crate::history::History;
use crate::judge::kills::{AllowedLoss, Kills};
use crate::judge::{Anomaly, Judgement, Valid, Verdict, availability, perf, stats};
use crate::output::figure_limits;
use crate::output::warnings::{self, Replies};
use crate::plan::Plan;
use crate::runner::{CLIENT_TIMEOUT, FinishedTest};
use crate::workload::{Context, Workload};

impl Report {
    /// Judges a finished test.
    ///
    /// `logs` is the directory of the nodes' standard error, if there is one.
    #[must_use]
    pub fn new<W: Workload>(
        outcome: &FinishedTest<W>,
        driver: &'static str,
        logs: Option<&Path>,
    ) -> Report {
        let FinishedTest { plan, workload, history, network, protocol_warnings, .. } = outcome;
        let may_be_unavailable =
            !plan.nemesis.is_empty() || plan.latency.typical_max() * 4 >= CLIENT_TIMEOUT;
        let mut verdicts = Verdicts::new(workload, history, plan, may_be_unavailable);
        let figures = &mut verdicts.figures;
        figures.server_messages_per_op =
            network.journal().servers.per_operation(figures.operations);
        let mut net = network.journal().to_edn(figures.operations);
        for (kind, count) in protocol_warnings.counts() {
            net.insert(kind, count);
        }
        let limits = figure_limits::check(figures, &plan.limits);
        verdicts.net = Some(Verdict::new(Valid::True, net, None::<Anomaly>));
        verdicts.limits = limits;
        verdicts.findings.extend(outcome.muted.findings(&plan.directory));
        verdicts.findings.extend(outcome.malformed.findings(&plan.directory));
        verdicts.finding_counts = vec![
            ("malformed-line-count", outcome.malformed.count().into()),
            ("muted-node-count", outcome.muted.count().into()),
        ];
        let details =
            [("driver", Edn::Keyword(driver)), ("plan", plan.to_edn()), ("seed", plan.seed.into())];
        let mut report = verdicts.into_report(plan.strict, details);

        let warnings = &mut report.warnings;
        warnings.extend(outcome.muted.warnings(&plan.directory));
        warnings.extend(protocol_warnings.warnings(&plan.directory));
        let mut replies = Replies::new(history, plan);
        replies.exclude_explained(outcome);
        warnings.extend(replies.silence(plan, logs));
        // Anomalies explain such errors.
        warnings.extend(replies.errors(plan).filter(|_| report.anomalies.is_empty()));
        warnings.extend(warnings::missed_rate(plan, history).filter(|_| outcome.is_complete));
        report
    }

    /// Judges a history that was read from a file. Only the nodes and the rules of the plan matter.
    ///
    /// Findings that need the messages or the logs of the nodes are not in the report.
    #[must_use]
    pub fn of_history<W: Workload>(workload: &W, history: &History<W>, plan: &Plan) -> Report {
        let may_be_unavailable = !faults(history).is_empty();
        Verdicts::new(workload, history, plan, may_be_unavailable).into_report(plan.strict, [])
    }
}

/// The verdicts on the parts of a test, the figures, and the findings in its messages.
struct Verdicts {
    perf: Verdict,
    stats: Verdict,
    availability: Verdict,
    net: Option<Verdict>,
    workload: Verdict,
    limits: Option<Verdict>,
    figures: Figures,
    findings: Vec<Anomaly>,
    finding_counts: Vec<(&'static str, Edn)>,
}

impl Verdicts {
    /// Judges what a history shows.
    fn new<W: Workload>(
        workload: &W,
        history: &History<W>,
        plan: &Plan,
        may_be_unavailable: bool,
    ) -> Verdicts {
        let allowed = plan.allowed_loss_window.map_or(W::ALLOWED_LOSS, AllowedLoss::window);
        let kills = Kills::new(history, &plan.directory, allowed);
        let context = Context { directory: &plan.directory, kills };
        let workload = workload.check(history, &context).with_causes(W::CAUSES);
        Verdicts {
            perf: perf::check(history),
            stats: stats::check(history, W::may_always_fail, may_be_unavailable),
            availability: availability::check(history, &plan.directory, plan.availability),
            net: None,
            figures: Figures::new(history, &workload),
            workload,
            limits: None,
            findings: Vec::new(),
            finding_counts: Vec::new(),
        }
    }

    /// Combines the verdicts. Their results and the `details` are the results of the test.
    fn into_report(
        self,
        is_strict: bool,
        details: impl IntoIterator<Item = (&'static str, Edn)>,
    ) -> Report {
        let Verdicts { perf, stats, availability, net, workload, limits, figures, .. } = self;
        let stable_latencies_ms = workload.stable_latencies_ms.clone();
        let parts = [("perf", perf), ("stats", stats), ("availability", availability)].into_iter();
        let parts = parts.chain(net.map(|net| ("net", net))).chain([("workload", workload)]);
        let parts: Vec<_> = parts.chain(limits.map(|limits| ("limits", limits))).collect();
        let collect = |of: fn(&Verdict) -> &Vec<Anomaly>| {
            parts.iter().flat_map(move |(_, part)| of(part)).cloned()
        };
        let anomalies = collect(|part| &part.anomalies).collect();
        let mut findings = self.findings;
        findings.extend(collect(|part| &part.findings));
        let fails_strict = is_strict && !findings.is_empty();
        let Judgement { valid, is_unavailable } =
            Judgement::new(parts.iter().map(|(_, part)| part), fails_strict);

        let mut results = Edn::map([]);
        for (key, part) in parts {
            results.insert(key, part.results);
        }
        // Maelstrom's results always have these two.
        for key in ["timeline", "exceptions"] {
            results.insert(key, Edn::map([("valid?", Edn::Bool(true))]));
        }
        if !findings.is_empty() {
            let mut summary = Edn::map([("count", findings.len().into())]);
            for (kind, count) in self.finding_counts {
                summary.insert(kind, count);
            }
            let examples = findings.iter().take(MAX_EXAMPLES).map(|finding| finding.text.as_str());
            summary.insert("examples", Edn::vector(examples));
            results.insert("findings", summary);
        }
        for (key, value) in details {
            results.insert(key, value);
        }
        results.insert("valid?", valid.into());
        Report {
            valid,
            is_unavailable,
            results,
            anomalies,
            findings,
            figures,
            warnings: Vec::new(),
            stable_latencies_ms,
        }
    }
}
