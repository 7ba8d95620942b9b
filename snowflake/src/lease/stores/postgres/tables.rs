//! The tables of a store, and the ID format in one of them.

use tokio_postgres::{Error, Transaction};

use super::{bigint, ms};
use crate::Epoch;
use crate::lease::{IdFormat, StoreErrorKind};

/// The tables. `tests/golden/postgres-1.sql` has them with rows, and must stay readable.
const SCHEMA: &str = include_str!("schema.sql");

/// A new table in place of a lost one would grant all time again.
const LEASES_MISSING: &str = "its table `snowflake_lease` is missing; restore the table (if you drop \
                              `snowflake_id_format` too, the store starts from zero, and IDs can \
                              repeat)";

/// With another epoch than the former one, IDs can repeat.
const ID_FORMAT_MISSING: &str = "its table `snowflake_id_format` is missing or has no row; restore \
                                 it with the epoch and the layout of its holders";

/// Creates the tables if neither exists.
pub(super) async fn create(transaction: &Transaction<'_>, format: IdFormat) -> Result<(), Error> {
    // Two processes that create the tables concurrently would conflict.
    transaction.batch_execute("SELECT pg_advisory_xact_lock(7095803146)").await?;
    if exist(transaction).await? != (false, false) {
        return Ok(());
    }
    transaction.batch_execute(SCHEMA).await?;
    let [timestamp, node, sequence] = format.layout.map(|bits| bits as i32);
    let insert = "INSERT INTO snowflake_id_format VALUES (true, $1, $2, $3, $4)";
    let epoch_ms = bigint(format.epoch.start().0);
    transaction.execute(insert, &[&epoch_ms, &timestamp, &node, &sequence]).await?;
    Ok(())
}

/// Returns the recorded ID format, or what is missing.
pub(super) async fn id_format(
    transaction: &Transaction<'_>,
) -> Result<Result<IdFormat, StoreErrorKind>, Error> {
    let missing =
        |details: &str| Ok(Err(StoreErrorKind::Misconfigured { details: details.to_owned() }));
    match exist(transaction).await? {
        (true, true) => {}
        (false, false) => return Ok(Err(StoreErrorKind::Missing)),
        (true, false) => return missing(LEASES_MISSING),
        (false, true) => return missing(ID_FORMAT_MISSING),
    }
    let row = transaction.query_opt("SELECT * FROM snowflake_id_format", &[]).await?;
    let Some(row) = row else { return missing(ID_FORMAT_MISSING) };
    let bits = |column| Ok::<_, Error>(row.try_get::<_, i32>(column)? as u32);
    Ok(Ok(IdFormat {
        epoch: Epoch::new(ms(&row, "epoch_ms")?),
        layout: [bits("timestamp_bits")?, bits("node_id_bits")?, bits("sequence_bits")?],
    }))
}

/// Returns whether the table of the ID format exists, and whether the table of the leases exists.
async fn exist(transaction: &Transaction<'_>) -> Result<(bool, bool), Error> {
    let exist = "SELECT to_regclass('snowflake_id_format') IS NOT NULL, \
                 to_regclass('snowflake_lease') IS NOT NULL";
    let row = transaction.query_one(exist, &[]).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

#[cfg(test)]
mod tests {
    use super::SCHEMA;

    #[test]
    fn the_golden_tables_have_the_schema() {
        assert!(include_str!("../../../../tests/golden/postgres-1.sql").starts_with(SCHEMA));
    }
}
