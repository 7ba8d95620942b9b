//! Notes on flags that are allowed, but probably not intended.

use super::TestArgs;
use crate::drive::process::{Launch, Program};
use crate::plan::{MIN_QUIET_TIME, Nemesis, Plan};

impl TestArgs {
    /// Returns notes on probable oversights in the flags, one line each.
    #[must_use]
    pub fn notes(&self, plan: &Plan, launch: Option<&Launch>) -> Vec<String> {
        let program = launch.map(|launch| &launch.program);
        let script = program.filter(|program| matches!(program, Program::ShellScript(_)));
        let script = script.map(|program| {
            format!(
                "note: {program} has no #! line, so /bin/sh runs it; if it is not a shell script, \
                 begin it with a line like #!/usr/bin/env python3"
            )
        });
        let missing_workload = self.missing_workload_argument(plan).map(|workload| {
            let reads = match self.workload.facts().may_begin_with_bare_read {
                true => "it cannot answer a read before the first add",
                false => "a restarted node cannot answer a read before another request",
            };
            format!(
                "note: the node does not know its workload, so {reads}; end the line with -- \
                 {workload}"
            )
        });
        let names = plan.directory.node_names();
        let alone = names.first().filter(|_| names.len() == 1);
        let count = alone.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
        let count = count.map(|name| {
            format!(
                "note: --nodes names one node, {name:?}; for {name} nodes, use --node-count \
                     {name}"
            )
        });
        let cut = |fault: &&Nemesis| matches!(fault, Nemesis::Partition | Nemesis::OneWay);
        let uncut = plan.nemesis.iter().find(cut).filter(|_| alone.is_some()).map(|fault| {
            format!("note: --nemesis {} has no effect on a single node", fault.name())
        });
        let quiet = Some(plan.quiet_time).filter(|quiet| {
            self.quiet_time.is_none()
                && *quiet > MIN_QUIET_TIME
                && self.workload.facts().has_final_reads
        });
        let quiet = quiet.map(|quiet| {
            format!(
                "note: the quiet time before the final reads is {} s because of \
                 --max-staleness-ms; --quiet-time changes it",
                quiet.as_secs_f64()
            )
        });
        let client = names.iter().find(|name| name.starts_with('c')).map(|name| {
            format!(
                "note: Maelstrom takes node {name:?} for a client, because its name begins with c: \
                 its messages have no latency there, and count as messages of clients"
            )
        });
        [script, missing_workload, count, uncut, quiet, client].into_iter().flatten().collect()
    }

    /// Returns the workload if this project's own node needs its name and lacks it.
    fn missing_workload_argument(&self, plan: &Plan) -> Option<&'static str> {
        let is_own = self.bin.as_ref().is_none_or(|bin| bin.ends_with("maelstrom-node"));
        let facts = self.workload.facts();
        let restarts = plan.nemesis.contains(&Nemesis::Kill);
        let has_first_read =
            facts.may_begin_with_bare_read || restarts && facts.may_restart_with_bare_read;
        let config = self.own_config().ok().filter(|_| is_own && has_first_read)?;
        (!config.names_workload()).then_some(facts.name)
    }
}
