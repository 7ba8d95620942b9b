//! Transactions over registers: reads return one value, and writes replace it.

use std::collections::BTreeSet;

use serde_json::value::RawValue;

use crate::format::datum::Datum;
use crate::format::edn::Edn;
use crate::format::element::Element;
use crate::format::wire::Malformed;
use crate::judge::Valid;
use crate::judge::transactions::{
    Anomalies, AnomalyKind, Model, ModelJudgement, Transaction, Value, rw_register,
};
use crate::workload::txn::{Data, Names, Txn, malformed};

/// The workload of transactions over registers.
pub type TxnRwRegister = Txn<Registers>;

/// A map of keys to values; `null` where none was written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Registers;

impl Data for Registers {
    const NAME: &'static str = "txn-rw-register";
    const SUMMARY: &'static str = "Transactions that read and write registers";
    const WRITE: &'static str = "w";
    const ONE_TYPE_OF_KEYS: bool = true;

    type Read = Element;
    type JudgedTest = Value;

    fn parse_read(text: &RawValue) -> Result<Element, Malformed> {
        Element::parse(text.get()).map_err(|problem| malformed(&problem))
    }

    fn recorded_read(datum: &Datum) -> Result<Element, String> {
        Element::parse(&datum.to_json())
    }

    fn read_value(read: &Element) -> Edn {
        read.into()
    }

    fn judged(read: &Element, names: &mut Names) -> Value {
        names.value(read)
    }

    fn check(transactions: &[Transaction<Value>], models: &[Model]) -> Anomalies {
        rw_register::check(transactions, models)
    }

    /// Maelstrom's test of this workload ignores searches that ended early, so their verdict is
    /// valid instead of unknown. Any other reported anomaly makes the verdict invalid.
    fn adjust(mut judgement: ModelJudgement) -> ModelJudgement {
        judgement.reported.remove(&AnomalyKind::CycleSearchTimeout);
        judgement.valid = Valid::from(judgement.reported == BTreeSet::new());
        judgement
    }
}
