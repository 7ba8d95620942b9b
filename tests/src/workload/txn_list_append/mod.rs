//! Transactions over lists: reads return a whole list, and writes append one element.

use serde_json::value::RawValue;

use crate::format::datum::Datum;
use crate::format::edn::Edn;
use crate::format::element::Element;
use crate::format::wire::Malformed;
use crate::judge::transactions::list_append::{self, List};
use crate::judge::transactions::{Anomalies, Model, ModelJudgement, Transaction};
use crate::workload::txn::{Data, Names, Txn, malformed};

/// The workload of transactions over lists.
pub type TxnListAppend = Txn<Lists>;

/// A map of keys to lists; `null` where nothing was appended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lists;

impl Data for Lists {
    const NAME: &'static str = "txn-list-append";
    const SUMMARY: &'static str = "Transactions that read lists and append to them";
    const WRITE: &'static str = "append";
    const ONE_TYPE_OF_KEYS: bool = false;

    type Read = Option<Vec<Element>>;
    type JudgedTest = List;

    fn parse_read(text: &RawValue) -> Result<Option<Vec<Element>>, Malformed> {
        let items: Option<Vec<&RawValue>> = serde_json::from_str(text.get())
            .map_err(|_| malformed("a read that is neither a list nor null"))?;
        let element = |item: &RawValue| Element::parse(item.get());
        let Some(items) = items else { return Ok(None) };
        let list: Result<Vec<Element>, String> = items.into_iter().map(element).collect();
        list.map(Some).map_err(|problem| malformed(&problem))
    }

    fn recorded_read(datum: &Datum) -> Result<Option<Vec<Element>>, String> {
        if *datum == Datum::Nil {
            return Ok(None);
        }
        let items = datum.items();
        let items = items.ok_or_else(|| format!("expected a list, found {}", datum.kind()))?;
        items.iter().map(|item| Element::parse(&item.to_json())).collect::<Result<_, _>>().map(Some)
    }

    fn read_value(read: &Option<Vec<Element>>) -> Edn {
        read.as_ref().map_or(Edn::Nil, |list| Edn::vector(list.iter()))
    }

    fn judged(read: &Option<Vec<Element>>, names: &mut Names) -> List {
        read.as_ref().map(|list| list.iter().map(|element| names.value(element)).collect())
    }

    fn check(transactions: &[Transaction<List>], models: &[Model]) -> Anomalies {
        list_append::check(transactions, models)
    }

    fn adjust(judgement: ModelJudgement) -> ModelJudgement {
        judgement
    }
}
