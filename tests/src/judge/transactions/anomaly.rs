//! The anomalies of transactions and their implications.
//!
//! The names are Adya's (1999), in Elle's spelling (Kingsbury and Alvaro 2020), so that the results
//! are comparable with Maelstrom's.

use std::collections::BTreeSet;

macro_rules! anomalies {
    ($($variant:ident = $name:literal => [$($implied:ident),* $(,)?];)*) => {
        /// A kind of anomaly of transactions.
        ///
        /// The order of the variants only makes the output stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum AnomalyKind {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl AnomalyKind {
            /// All anomalies.
            pub const ALL: &'static [AnomalyKind] = &[$(AnomalyKind::$variant),*];

            /// Returns the name that Elle gives the anomaly.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(AnomalyKind::$variant => $name,)*
                }
            }

            /// Returns the anomalies that this one directly implies.
            #[must_use]
            pub fn implies(self) -> &'static [AnomalyKind] {
                match self {
                    $(AnomalyKind::$variant => &[$(AnomalyKind::$implied),*],)*
                }
            }
        }
    };
}

anomalies! {
    // A transaction contradicts itself, or reads a forbidden version.
    Internal = "internal" => [];
    FutureRead = "future-read" => [G1c];
    G1a = "G1a" => [G1];
    G1b = "G1b" => [G1];
    DirtyUpdate = "dirty-update" => [G1a];
    LostUpdate = "lost-update" => [WriteSkew, G2Item];
    WriteSkew = "write-skew" => [G2];
    PredicateReadMiss = "predicate-read-miss" => [];

    // No order of versions explains the reads.
    DuplicateElements = "duplicate-elements" => [];
    IncompatibleOrder = "incompatible-order" => [G1a];
    CyclicVersions = "cyclic-versions" => [];

    // Cycles of dependencies.
    G0 = "G0" => [G1c, G0Process];
    G0Process = "G0-process" => [G1cProcess, G0Realtime];
    G0Realtime = "G0-realtime" => [G1cRealtime];
    G1 = "G1" => [G1Process];
    G1Process = "G1-process" => [G1Realtime];
    G1Realtime = "G1-realtime" => [];
    G1c = "G1c" => [G1, G1cProcess];
    G1cProcess = "G1c-process" => [G1cRealtime, G1Process];
    G1cRealtime = "G1c-realtime" => [G1Realtime];
    GSingleItem = "G-single-item" => [GSingle, GSingleItemProcess, GNonadjacentItem];
    GSingleItemProcess = "G-single-item-process"
        => [GSingleProcess, GSingleItemRealtime, GNonadjacentItemProcess];
    GSingleItemRealtime = "G-single-item-realtime"
        => [GSingleRealtime, GNonadjacentItemRealtime];
    GSingle = "G-single" => [GNonadjacent, GsiB, GSingleProcess];
    GSingleProcess = "G-single-process" => [GNonadjacentProcess, GSingleRealtime];
    GSingleRealtime = "G-single-realtime" => [GNonadjacentRealtime];
    GNonadjacentItem = "G-nonadjacent-item" => [GNonadjacent, G2Item, GNonadjacentItemProcess];
    GNonadjacentItemProcess = "G-nonadjacent-item-process"
        => [GNonadjacentProcess, G2ItemProcess, GNonadjacentItemRealtime];
    GNonadjacentItemRealtime = "G-nonadjacent-item-realtime"
        => [G2ItemRealtime, GNonadjacentRealtime];
    GNonadjacent = "G-nonadjacent" => [G2, GNonadjacentProcess];
    GNonadjacentProcess = "G-nonadjacent-process" => [G2Process, GNonadjacentRealtime];
    GNonadjacentRealtime = "G-nonadjacent-realtime" => [G2Realtime];
    G2Item = "G2-item" => [G2, G2ItemProcess];
    G2ItemProcess = "G2-item-process" => [G2Process, G2ItemRealtime];
    G2ItemRealtime = "G2-item-realtime" => [G2Realtime];
    G2 = "G2" => [G2Process];
    G2Process = "G2-process" => [G2Realtime];
    G2Realtime = "G2-realtime" => [];

    // Names that models forbid. A checker of histories without predicates does not report them.
    GsiA = "GSIa" => [Gsi];
    GsiB = "GSIb" => [Gsi];
    Gsi = "GSI" => [];
    GSi = "G-SI" => [];
    GSiB = "G-SIb" => [];
    GCursor = "G-cursor" => [];
    GMonotonic = "G-monotonic" => [];
    GMsr = "G-MSR" => [];
    GUpdate = "G-update" => [];

    // A cycle refutes a model, but the search for a shorter description ended early.
    Pl1CycleExists = "PL-1-cycle-exists" => [];
    Pl2CycleExists = "PL-2-cycle-exists" => [];
    PlSiCycleExists = "PL-SI-cycle-exists" => [];
    Pl299CycleExists = "PL-2.99-cycle-exists" => [];
    Pl3CycleExists = "PL-3-cycle-exists" => [];
    StrongSessionPl1CycleExists = "strong-session-PL-1-cycle-exists" => [];
    StrongSessionPl2CycleExists = "strong-session-PL-2-cycle-exists" => [];
    StrongSessionSiCycleExists = "strong-session-snapshot-isolation-cycle-exists" => [];
    StrongSessionSerializableCycleExists = "strong-session-serializable-cycle-exists" => [];
    StrongPl1CycleExists = "strong-PL-1-cycle-exists" => [];
    StrongPl2CycleExists = "strong-PL-2-cycle-exists" => [];
    StrongSiCycleExists = "strong-snapshot-isolation-cycle-exists" => [];
    PlSsCycleExists = "PL-SS-cycle-exists" => [];

    // The checker's verdict is `unknown`.
    EmptyTransactionGraph = "empty-transaction-graph" => [];
    CycleSearchTimeout = "cycle-search-timeout" => [];
}

impl AnomalyKind {
    /// Returns `true` if the anomaly refutes no model, but leaves the verdict open.
    #[must_use]
    pub fn is_inconclusive(self) -> bool {
        matches!(self, AnomalyKind::EmptyTransactionGraph | AnomalyKind::CycleSearchTimeout)
    }

    /// Returns `true` if the anomaly requires the order of each process's transactions.
    #[must_use]
    pub fn is_of_process(self) -> bool {
        self.name().ends_with("-process")
    }

    /// Returns `true` if the anomaly requires the order of transactions in real time.
    #[must_use]
    pub fn is_of_realtime(self) -> bool {
        self.name().ends_with("-realtime")
    }
}

/// Returns these anomalies and all anomalies that they imply.
#[must_use]
pub fn implied_by(anomalies: impl IntoIterator<Item = AnomalyKind>) -> BTreeSet<AnomalyKind> {
    let mut reached = BTreeSet::new();
    let mut pending: Vec<AnomalyKind> = anomalies.into_iter().collect();
    while let Some(anomaly) = pending.pop() {
        if reached.insert(anomaly) {
            pending.extend(anomaly.implies());
        }
    }
    reached
}

/// Returns these anomalies and all anomalies that imply one of them.
#[must_use]
pub fn implying(anomalies: impl IntoIterator<Item = AnomalyKind>) -> BTreeSet<AnomalyKind> {
    let mut reached: BTreeSet<AnomalyKind> = anomalies.into_iter().collect();
    loop {
        let before = reached.len();
        for &anomaly in AnomalyKind::ALL {
            if anomaly.implies().iter().any(|implied| reached.contains(implied)) {
                reached.insert(anomaly);
            }
        }
        if reached.len() == before {
            return reached;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_cycle_implies_every_weaker_cycle_of_reads_and_writes() {
        let implied = implied_by([AnomalyKind::G0]);
        for anomaly in
            [AnomalyKind::G1c, AnomalyKind::G1, AnomalyKind::G0Realtime, AnomalyKind::G1Realtime]
        {
            assert!(implied.contains(&anomaly), "{}", anomaly.name());
        }
        assert!(!implied.contains(&AnomalyKind::G1a));
    }

    #[test]
    fn a_single_anti_dependency_is_a_special_case_of_g2() {
        assert!(implied_by([AnomalyKind::GSingleItem]).contains(&AnomalyKind::G2));
        assert!(implying([AnomalyKind::G2]).contains(&AnomalyKind::GSingleItem));
        assert!(!implying([AnomalyKind::G2]).contains(&AnomalyKind::GSingleItemRealtime));
    }

    #[test]
    fn no_two_anomalies_share_a_name() {
        let names: BTreeSet<&str> = AnomalyKind::ALL.iter().map(|anomaly| anomaly.name()).collect();
        assert_eq!(names.len(), AnomalyKind::ALL.len());
    }
}
