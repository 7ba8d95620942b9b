//! The consistency models, their implications, and the anomalies that each model forbids.
//!
//! The table joins several formalizations, as Elle does: Adya (1999), Bailis et al. (2013),
//! Cerone et al. (2015) and Daudjee and Salem (2006). A model lists only what it adds to the
//! models that it implies.

use std::collections::BTreeSet;

use super::anomaly::{self, AnomalyKind};

macro_rules! models {
    ($($variant:ident = $name:literal $(($($other:literal),*))?
        => [$($implied:ident),* $(,)?] forbids [$($anomaly:ident),* $(,)?];)*) => {
        /// A consistency model.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Model {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Model {
            /// All models.
            pub const ALL: &'static [Model] = &[$(Model::$variant),*];

            /// Returns the model's name in results.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Model::$variant => $name,)*
                }
            }

            /// Returns the other names that the command line accepts.
            #[must_use]
            pub fn other_names(self) -> &'static [&'static str] {
                match self {
                    $(Model::$variant => &[$($($other),*)?],)*
                }
            }

            /// Returns the models that this one directly implies: each of its histories satisfies
            /// them.
            #[must_use]
            pub fn implies(self) -> &'static [Model] {
                match self {
                    $(Model::$variant => &[$(Model::$implied),*],)*
                }
            }

            /// Returns the anomalies that this model forbids and its implied models do not.
            #[must_use]
            pub fn forbids(self) -> &'static [AnomalyKind] {
                match self {
                    $(Model::$variant => &[$(AnomalyKind::$anomaly),*],)*
                }
            }
        }
    };
}

models! {
    // Adya's levels, and the levels that others defined between them.
    ReadUncommitted = "read-uncommitted" ("PL-1") => []
        forbids [G0, DuplicateElements, CyclicVersions, Pl1CycleExists];
    ReadCommitted = "read-committed" ("PL-2") => [ReadUncommitted]
        forbids [G1, Pl2CycleExists];
    MonotonicView = "monotonic-view" ("PL-2L") => [ReadCommitted]
        forbids [G1, GMonotonic];
    MonotonicSnapshotRead = "monotonic-snapshot-read" ("PL-MSR") => [ReadCommitted]
        forbids [G1, GMsr];
    CursorStability = "cursor-stability" ("PL-CS") => [ReadCommitted]
        forbids [G1, GCursor, LostUpdate];
    ConsistentView = "consistent-view" ("PL-2+") => [CursorStability, MonotonicView]
        forbids [G1, GSingle];
    ForwardConsistentView = "forward-consistent-view" ("PL-FCV") => [ConsistentView]
        forbids [G1, GSiB];
    UpdateSerializable = "update-serializable" ("PL-3U") => [ForwardConsistentView]
        forbids [G1, GUpdate];
    MonotonicAtomicView = "monotonic-atomic-view" => [ReadCommitted]
        forbids [];
    ReadAtomic = "read-atomic" => [MonotonicAtomicView]
        forbids [Internal, G1a, FutureRead];
    UpdateAtomic = "update-atomic" => [ReadAtomic]
        forbids [LostUpdate];
    CausalCerone = "causal-cerone" => [ReadAtomic]
        forbids [Internal, G1a];
    Prefix = "prefix" => [CausalCerone]
        forbids [Internal, G1a];
    ParallelSnapshotIsolation = "parallel-snapshot-isolation" => [CausalCerone, UpdateAtomic]
        forbids [Internal, G1a];
    SnapshotIsolation = "snapshot-isolation" ("PL-SI")
        => [ForwardConsistentView, MonotonicAtomicView, MonotonicSnapshotRead,
            ParallelSnapshotIsolation, Prefix]
        forbids [Internal, G1, GSi, GNonadjacent, PlSiCycleExists];
    RepeatableRead = "repeatable-read" ("PL-2.99") => [CursorStability, MonotonicAtomicView]
        forbids [G1, G2Item, LostUpdate, Pl299CycleExists];
    ViewSerializable = "view-serializable" => []
        forbids [];
    Serializable = "serializable" ("PL-3", "conflict-serializable")
        => [RepeatableRead, SnapshotIsolation, UpdateSerializable, ViewSerializable]
        forbids [Internal, G1, G2, PredicateReadMiss, Pl3CycleExists];
    OneCopySerializable = "1SR" => []
        forbids [];
    SessionSerializable = "session-serializable" => [OneCopySerializable]
        forbids [];

    // The same levels within each process (session), and in real time.
    StrongSessionReadUncommitted = "strong-session-read-uncommitted" ("strong-session-PL-1")
        => [ReadUncommitted]
        forbids [G0Process, StrongSessionPl1CycleExists];
    StrongSessionReadCommitted = "strong-session-read-committed" ("strong-session-PL-2")
        => [ReadCommitted, StrongSessionReadUncommitted]
        forbids [G1cProcess, StrongSessionPl2CycleExists];
    StrongSessionSnapshotIsolation = "strong-session-snapshot-isolation"
        => [SnapshotIsolation, StrongSessionReadCommitted]
        forbids [Internal, G1Process, GNonadjacentProcess, StrongSessionSiCycleExists];
    StrongSessionSerializable = "strong-session-serializable"
        => [Serializable, StrongSessionSnapshotIsolation]
        forbids [G1Process, G2Process, StrongSessionSerializableCycleExists];
    StrongReadUncommitted = "strong-read-uncommitted" ("strong-PL-1")
        => [StrongSessionReadUncommitted]
        forbids [G0Realtime, StrongPl1CycleExists];
    StrongReadCommitted = "strong-read-committed" ("strong-PL-2")
        => [StrongSessionReadCommitted, StrongReadUncommitted]
        forbids [G1cRealtime, StrongPl2CycleExists];
    StrongSnapshotIsolation = "strong-snapshot-isolation"
        => [StrongSessionSnapshotIsolation, StrongReadCommitted]
        forbids [Internal, G1Realtime, GNonadjacentRealtime, StrongSiCycleExists];
    StrictSerializable = "strong-serializable" ("PL-SS", "strict-serializable")
        => [Serializable, Linearizable, SnapshotIsolation, StrongSnapshotIsolation,
            StrongSessionSerializable, SessionSerializable]
        forbids [G1, G1cRealtime, G2Realtime, PlSsCycleExists];

    // Models of single objects. An anomaly of transactions does not refute them.
    ReadYourWrites = "read-your-writes" => [] forbids [];
    MonotonicReads = "monotonic-reads" => [] forbids [];
    MonotonicWrites = "monotonic-writes" => [] forbids [];
    WritesFollowReads = "writes-follow-reads" => [] forbids [];
    Pram = "PRAM" => [MonotonicReads, MonotonicWrites, ReadYourWrites] forbids [];
    Causal = "causal" => [WritesFollowReads, Pram] forbids [];
    Sequential = "sequential" => [Causal] forbids [];
    Linearizable = "linearizable" => [Sequential] forbids [];
}

impl Model {
    /// Returns the model with this name, if one exists.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Model> {
        let named = |model: &&Model| model.name() == name || model.other_names().contains(&name);
        Model::ALL.iter().find(named).copied()
    }
}

/// Returns every anomaly that refutes one of these models.
#[must_use]
pub fn forbidden_by(models: &[Model]) -> BTreeSet<AnomalyKind> {
    let mut all: BTreeSet<Model> = BTreeSet::new();
    let mut pending = models.to_vec();
    while let Some(model) = pending.pop() {
        if all.insert(model) {
            pending.extend(model.implies());
        }
    }
    anomaly::implying(all.iter().flat_map(|model| model.forbids().iter().copied()))
}

/// Returns these models and all models that imply one of them.
#[must_use]
pub fn refuted_with(models: impl IntoIterator<Item = Model>) -> BTreeSet<Model> {
    let mut refuted: BTreeSet<Model> = models.into_iter().collect();
    loop {
        let before = refuted.len();
        for &model in Model::ALL {
            if model.implies().iter().any(|implied| refuted.contains(implied)) {
                refuted.insert(model);
            }
        }
        if refuted.len() == before {
            return refuted;
        }
    }
}

/// Returns the models that cannot hold if these anomalies occur.
#[must_use]
pub fn refuted_by(anomalies: impl IntoIterator<Item = AnomalyKind>) -> BTreeSet<Model> {
    let present = anomaly::implied_by(anomalies);
    let forbids = |model: &&Model| model.forbids().iter().any(|anomaly| present.contains(anomaly));
    refuted_with(Model::ALL.iter().filter(forbids).copied())
}

/// The models that a history refutes: the weakest ones, and all stronger ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Boundary {
    /// The refuted models that imply no other refuted model.
    pub not: BTreeSet<Model>,
    /// The other refuted models.
    pub also_not: BTreeSet<Model>,
}

impl Boundary {
    /// Returns the boundary that these anomalies define.
    #[must_use]
    pub fn of(anomalies: impl IntoIterator<Item = AnomalyKind>) -> Boundary {
        let refuted = refuted_by(anomalies);
        let stronger = |model: &Model| {
            let mut below = BTreeSet::new();
            let mut pending = model.implies().to_vec();
            while let Some(model) = pending.pop() {
                if below.insert(model) {
                    pending.extend(model.implies());
                }
            }
            !below.is_disjoint(&refuted)
        };
        let (also_not, not) = refuted.iter().partition(|model| stronger(model));
        Boundary { not, also_not }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stronger_model_forbids_all_that_a_weaker_one_forbids() {
        for &model in Model::ALL {
            for &weaker in model.implies() {
                assert!(forbidden_by(&[weaker]).is_subset(&forbidden_by(&[model])));
            }
        }
    }

    #[test]
    fn read_committed_forbids_cycles_of_information_flow_and_dirty_reads_only() {
        let forbidden = forbidden_by(&[Model::ReadCommitted]);
        for anomaly in [AnomalyKind::G0, AnomalyKind::G1a, AnomalyKind::G1b, AnomalyKind::G1c] {
            assert!(forbidden.contains(&anomaly), "{}", anomaly.name());
        }
        for anomaly in [AnomalyKind::GSingleItem, AnomalyKind::G2Item, AnomalyKind::LostUpdate] {
            assert!(!forbidden.contains(&anomaly), "{}", anomaly.name());
        }
    }

    #[test]
    fn write_skew_is_allowed_by_snapshot_isolation_and_refutes_serializability() {
        let boundary = Boundary::of([AnomalyKind::G2Item]);
        assert_eq!(boundary.not, BTreeSet::from([Model::RepeatableRead]));
        assert!(boundary.also_not.contains(&Model::Serializable));
        assert!(boundary.also_not.contains(&Model::StrictSerializable));
        assert!(!boundary.also_not.contains(&Model::SnapshotIsolation));
    }

    #[test]
    fn every_name_finds_its_model_and_no_other_name_does() {
        for &model in Model::ALL {
            assert_eq!(Model::from_name(model.name()), Some(model));
            for name in model.other_names() {
                assert_eq!(Model::from_name(name), Some(model));
            }
        }
        assert_eq!(Model::from_name("read committed"), None);
    }
}
