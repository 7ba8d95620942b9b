//! Tests that the page about anomalies agrees with the code.

use std::collections::BTreeSet;

use workbench::judge::transactions::AnomalyKind;
use workbench::judge::transactions::model::{self, Model};

const PAGE: &str = include_str!("../../docs/anomalies.md");

/// Returns `true` if a history without predicates can show an anomaly.
fn shown(kind: AnomalyKind) -> bool {
    let name = kind.name();
    let base = name.strip_suffix("-process").or(name.strip_suffix("-realtime")).unwrap_or(name);
    matches!(
        base,
        "internal"
            | "future-read"
            | "G1a"
            | "G1b"
            | "dirty-update"
            | "lost-update"
            | "duplicate-elements"
            | "incompatible-order"
            | "cyclic-versions"
            | "G0"
            | "G1c"
            | "G-single-item"
            | "G-nonadjacent-item"
            | "G2-item"
    )
}

fn forbidden(model: Model) -> BTreeSet<AnomalyKind> {
    model::forbidden_by(&[model]).into_iter().filter(|&kind| shown(kind)).collect()
}

#[test]
fn the_table_of_models_matches_the_code() {
    let mut rows = 0;
    for &model in Model::ALL {
        let all = forbidden(model);
        if all.is_empty() {
            assert!(PAGE.contains(&format!("`{}`", model.name())), "{}", model.name());
            continue;
        }
        let weaker: Vec<Model> = Model::ALL
            .iter()
            .copied()
            .filter(|weaker| model.implies().contains(weaker) && !forbidden(*weaker).is_empty())
            .collect();
        let inherited: BTreeSet<AnomalyKind> =
            weaker.iter().flat_map(|&weaker| forbidden(weaker)).collect();
        let names = |names: Vec<&str>| names.join(", ");
        let row = format!(
            "| {} | {} | {} | {} |",
            model.name(),
            names(model.other_names().to_vec()),
            names(weaker.iter().map(|weaker| weaker.name()).collect()),
            names(all.difference(&inherited).map(|kind| kind.name()).collect()),
        );
        assert!(PAGE.lines().any(|line| line == row), "this row is missing: {row}");
        rows += 1;
    }
    let table = PAGE.split("| model | other names |").nth(1).unwrap();
    let table = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    assert_eq!(table.count(), rows, "the table has rows that the code has not");
}

#[test]
fn every_anomaly_that_a_history_can_show_is_explained() {
    for &kind in AnomalyKind::ALL {
        let name = kind.name();
        let is_variant = name.ends_with("-process") || name.ends_with("-realtime");
        if shown(kind) && !is_variant {
            let row = format!("| {name} |");
            assert!(PAGE.lines().any(|line| line.starts_with(&row)), "{name} is not explained");
        }
    }
}
