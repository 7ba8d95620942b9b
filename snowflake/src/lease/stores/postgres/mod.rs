//! A store in PostgreSQL.

mod session;
mod tables;
mod tls;
mod url;

use std::fmt;

use tokio_postgres::config::Host;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Config, Row, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

use self::session::{CallError, Link, Session};
use self::url::PostgresUrl;
use crate::lease::{
    AcquireRequest, Grant, GrantLimits, IdFormat, LeaseError, LeaseRecord, LeaseStore, LeaseTable,
    ReleaseRequest, RenewRequest, ResetRequest, StoreError, StoreErrorKind,
};
use crate::{Epoch, NodeId, UnixMillis};

/// A store in a PostgreSQL database, for many machines.
///
/// It has two tables: `snowflake_id_format` with one row of epoch and layout, and `snowflake_lease`
/// with a row for each node ID that was ever held. `snowflake lease create` creates them, and so
/// does [`connect`](PostgresStore::connect) in a database that has neither.
/// [`open`](PostgresStore::open) never does. The connection's `search_path` selects their schema,
/// so each schema can be a separate store. The user needs `CREATE` in the schema to create them.
/// Otherwise `USAGE`, `SELECT` on both, and `INSERT` and `UPDATE` on `snowflake_lease`, are enough.
///
/// A renewal is one statement, one round trip. An acquisition of any free node ID is a transaction
/// that locks the table, and renewals wait for it. An acquisition of one node ID, and a release,
/// lock its row. The limits are measured from the server's `clock_timestamp()`.
///
/// Each store keeps one connection open. The server's `max_connections` has to permit one for each
/// process.
///
/// The calls block. If the server does not answer, a call returns after 1.5 s. A call that has to
/// connect first takes up to 2 s more, and another second for each further host. A rejected renewal
/// takes up to 1.5 s twice, because a second query reads the reason. `connect_timeout` in the URL
/// replaces the second per host.
///
/// If an open connection fails, a renewal connects and is repeated once, within the same time. So
/// the first renewal after a suspend of the machine succeeds, although the server or the network
/// has ended the connection. Other calls return the error, and the next call connects.
///
/// # The URL
///
/// PostgreSQL's own form, `postgresql://user:password@host:port/database?option=value`, with one or
/// several hosts. The store tries the hosts in random order and uses the first one that accepts
/// writes, and so follows a failover. It ignores `target_session_attrs` and `load_balance_hosts`.
/// `sslmode` has the values of libpq:
///
/// | `sslmode` | encrypted | trusted server |
/// |---|---|---|
/// | `disable` | no | any |
/// | `prefer`, the default without `sslrootcert=system` | if the server can | any |
/// | `require` | yes | any, or, with `sslrootcert`, as `verify-ca` |
/// | `verify-ca` | yes | one with a certificate that is signed by one in `sslrootcert` |
/// | `verify-full`, the default with `sslrootcert=system` | yes | as `verify-ca`, and the certificate is for the host. Without `sslrootcert`, or with `system`, the system's certificates are trusted |
///
/// `sslrootcert=system` with another `sslmode` is an error.
///
/// `sslcert` and `sslkey` are this client's certificate and key. All three are PEM files. Unlike
/// libpq, the store looks for no files in the home directory.
///
/// # Durability
///
/// A grant is as durable as a commit. `synchronous_commit = off`, with which a crash of the
/// server loses the last commits, is overridden for this connection. A server with
/// `fsync = off` is an error.
///
/// A failover to a standby that had not confirmed a commit loses it. Use synchronous replication
/// (`synchronous_standby_names`). Otherwise keep the failed server's clients stopped for the
/// length of a grant, and then [`reset`](LeaseStore::reset) the high-water marks to the present.
///
/// Behind a pooler that changes servers between transactions, such as PgBouncer in transaction
/// mode, the settings of a connection may apply to another backend. Pool by session, or set
/// `synchronous_commit` and the timeouts on the role.
///
/// # Examples
///
/// ```no_run
/// use snowflake::lease::{GrantLimits, Keeper, PostgresStore};
/// use snowflake::{Epoch, SystemClock};
///
/// let url = "postgresql://ids@localhost/orders";
/// let store = PostgresStore::connect(url, Epoch::Y2024, GrantLimits::default())?;
/// let keeper = Keeper::builder(store).start(SystemClock)?;
/// println!("node ID {}", keeper.generator().node());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PostgresStore {
    link: Link,
    location: String,
    format: IdFormat,
    limits: GrantLimits,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("location", &self.location)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

const ROWS: &str = "SELECT * FROM snowflake_lease";

/// A row, which no other transaction changes until the end of this one.
const ROW: &str = "SELECT * FROM snowflake_lease WHERE node_id = $1 FOR UPDATE";

const UPDATE: &str = "UPDATE snowflake_lease SET fencing_token = $2, from_ms = $3, \
                      high_water_mark_ms = $4, held = $5, holder = $6 WHERE node_id = $1 \
                      RETURNING node_id";

/// Inserts nothing if there is a row. It was not read, so its mark is not known.
const INSERT: &str = "INSERT INTO snowflake_lease VALUES ($1, $2, $3, $4, $5, $6) \
                      ON CONFLICT DO NOTHING RETURNING node_id";

/// Whole milliseconds by the server's clock.
const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

impl PostgresStore {
    /// Connects to the database at `url`, and creates the tables if it has neither.
    ///
    /// An empty database, or an empty schema, is a new store in which no node ID was ever held. So
    /// a URL that names the wrong one starts from zero, and can repeat IDs. After the installation
    /// of a service, use [`open`](PostgresStore::open).
    ///
    /// # Errors
    ///
    /// - [`LeaseError::Store`] if the connection fails or the tables cannot be created.
    /// - [`LeaseError::Store`] with [`StoreErrorKind::Misconfigured`] if one of the tables is
    ///   missing, or if the server can lose commits.
    /// - [`LeaseError::IdFormatMismatch`] if the tables are for another epoch.
    pub fn connect(
        url: &str,
        epoch: Epoch,
        limits: GrantLimits,
    ) -> Result<PostgresStore, LeaseError> {
        let store = PostgresStore::at(url, epoch, limits)?;
        store.recorded_format(true)?.check(store.format)?;
        Ok(store)
    }

    /// Connects to the database at `url`, which must have the tables.
    ///
    /// Without an epoch the store's IDs have the recorded one.
    ///
    /// # Errors
    ///
    /// As [`connect`](PostgresStore::connect). [`LeaseError::Store`] with
    /// [`StoreErrorKind::Missing`] if the database has no tables.
    pub fn open(
        url: &str,
        epoch: impl Into<Option<Epoch>>,
        limits: GrantLimits,
    ) -> Result<PostgresStore, LeaseError> {
        let epoch = epoch.into();
        // Without an epoch, any one until it is read.
        let mut store = PostgresStore::at(url, epoch.unwrap_or(Epoch::Y2024), limits)?;
        store.format = store.recorded_format(false)?.for_epoch(epoch)?;
        Ok(store)
    }

    /// Returns a store that has not connected yet.
    fn at(url: &str, epoch: Epoch, limits: GrantLimits) -> Result<PostgresStore, LeaseError> {
        let failed = |doing| StoreError::new("in PostgreSQL", StoreErrorKind::Failed { doing });
        let url =
            PostgresUrl::parse(url).map_err(|error| failed("reading the URL").because(error))?;
        let tls =
            tls::config(&url).map_err(|error| failed("reading the certificates").because(error))?;
        let location = format!("in PostgreSQL at {}", location(&url.config));
        let link = Link::new(url.config, MakeRustlsConnect::new(tls))
            .map_err(|error| failed("starting a runtime").because(error))?;
        Ok(PostgresStore { link, location, format: IdFormat::new(epoch), limits })
    }

    /// Returns the recorded ID format. If neither table exists, it `creates` both.
    fn recorded_format(&self, creates: bool) -> Result<IdFormat, LeaseError> {
        let recorded = self.in_transaction("reading the ID format", async |transaction| {
            if creates {
                tables::create(transaction, self.format).await?;
            }
            tables::id_format(transaction).await
        })?;
        recorded.map_err(|kind| StoreError::new(&*self.location, kind).into())
    }

    fn with<T: Send>(
        &self,
        doing: &'static str,
        call: impl AsyncFnOnce(&mut Session) -> Result<T, tokio_postgres::Error> + Send,
    ) -> Result<T, LeaseError> {
        self.link.run(call).map_err(|error| self.error(doing, error))
    }

    fn error(&self, doing: &'static str, error: CallError) -> LeaseError {
        let kind = match error {
            CallError::Forked => StoreErrorKind::Forked,
            CallError::FsyncOff => StoreErrorKind::Misconfigured {
                details: "the server has `fsync = off`, so a crash can restore old high-water \
                       marks; set `fsync = on`"
                    .to_owned(),
            },
            error => {
                let failed = StoreError::new(&*self.location, StoreErrorKind::Failed { doing });
                return failed.because(error).into();
            }
        };
        StoreError::new(&*self.location, kind).into()
    }

    fn in_transaction<T: Send>(
        &self,
        doing: &'static str,
        change: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, tokio_postgres::Error> + Send,
    ) -> Result<T, LeaseError> {
        self.with(doing, async |session: &mut Session| {
            let transaction = session.client.transaction().await?;
            let changed = change(&transaction).await?;
            transaction.commit().await?;
            Ok(changed)
        })
    }

    /// Changes the record of `node`, or of a node ID that `change` chooses, in one transaction.
    ///
    /// It locks the row of `node`, so the renewals of other node IDs continue. Without `node` it
    /// locks the table, also against locks of rows.
    fn change<T: Send>(
        &self,
        doing: &'static str,
        node: Option<NodeId>,
        change: impl Fn(&mut LeaseTable, UnixMillis) -> Result<(NodeId, T), LeaseError> + Sync,
    ) -> Result<T, LeaseError> {
        self.in_transaction(doing, async |transaction| {
            if node.is_none() {
                transaction.batch_execute("LOCK TABLE snowflake_lease IN EXCLUSIVE MODE").await?;
            }
            loop {
                let rows = match node.map(node_id) {
                    Some(id) => transaction.query_typed(ROW, &[(&id, Type::INT4)]).await?,
                    None => transaction.query_typed(ROWS, &[]).await?,
                };
                let before = table(&rows)?;
                let time = transaction.query_typed(&format!("SELECT {NOW} AS now_ms"), &[]).await?;
                let now = time.first().map_or(Ok(UnixMillis(0)), |row| ms(row, "now_ms"))?;
                let mut after = before.clone();
                let (node, granted) = match change(&mut after, now) {
                    Ok(changed) => changed,
                    Err(error) => return Ok(Err(error)),
                };
                let Some(record) = after.get(node) else { return Ok(Ok(granted)) };
                let LeaseRecord { fencing_token, from, high_water_mark, held, holder } = record;
                let [token, from, mark] = [*fencing_token, from.0, high_water_mark.0].map(bigint);
                let statement = if before.get(node).is_some() { UPDATE } else { INSERT };
                let values: [(&(dyn ToSql + Sync), Type); 6] = [
                    (&node_id(node), Type::INT4),
                    (&token, Type::INT8),
                    (&from, Type::INT8),
                    (&mark, Type::INT8),
                    (held, Type::BOOL),
                    (holder, Type::TEXT),
                ];
                if !transaction.query_typed(statement, &values).await?.is_empty() {
                    return Ok(Ok(granted));
                }
                // Another transaction has inserted the row since it was read, and is committed.
            }
        })?
    }
}

impl LeaseStore for PostgresStore {
    fn id_format(&self) -> IdFormat {
        self.format
    }

    fn acquire(&self, request: &AcquireRequest) -> Result<Grant, LeaseError> {
        self.change("acquiring a node ID", request.node, |table, now| {
            let grant = table.acquire(request, now, self.limits)?;
            Ok((grant.node, grant))
        })
    }

    fn renew(&self, request: &RenewRequest) -> Result<Grant, LeaseError> {
        let doing = "renewing";
        // `LeaseTable::renew` in SQL: one statement, and so one round trip.
        let statement = format!(
            "UPDATE snowflake_lease SET from_ms = high_water_mark_ms, \
             high_water_mark_ms = greatest($3, high_water_mark_ms + 1) \
             WHERE node_id = $1 AND fencing_token = $2 AND held \
             AND greatest($3, high_water_mark_ms + 1) <= {NOW} + $4 \
             RETURNING from_ms, high_water_mark_ms"
        );
        let RenewRequest { node, fencing_token, until, .. } = *request;
        let id = node_id(node);
        let [token, until_ms] = [fencing_token, until.0].map(bigint);
        // The sum of the time and half of the range does not overflow.
        let limit_ms = bigint(self.limits.limit_ms()).min(i64::MAX / 2);
        // A repeated renewal is harmless. If the server executes both, in either order, their
        // grants do not overlap, and no generator has the grant whose answer was lost. The search
        // in `tests/lease/model.rs` applies a request at any later time, too.
        let renew = async |Session { client, renewal, .. }: &mut Session| {
            let prepared = match renewal {
                Some(prepared) => prepared,
                none => none.insert(client.prepare(&statement).await?),
            };
            let values: [&(dyn ToSql + Sync); 4] = [&id, &token, &until_ms, &limit_ms];
            let row = client.query_opt(&*prepared, &values).await?;
            row.map(|row| Ok((ms(&row, "from_ms")?, ms(&row, "high_water_mark_ms")?))).transpose()
        };
        let granted = self.link.run_repeatable(renew).map_err(|error| self.error(doing, error))?;
        match granted {
            Some((from, until)) => Ok(Grant { node, from, until, fencing_token }),
            // The statement rejected the renewal. The lease table returns the reason, or a grant if
            // the row has changed since.
            None => self.change(doing, Some(node), |table, now| {
                Ok((node, table.renew(request, now, self.limits)?))
            }),
        }
    }

    fn release(&self, request: &ReleaseRequest) -> Result<(), LeaseError> {
        self.change("releasing", Some(request.node), |table, _| {
            Ok((request.node, table.release(request)?))
        })
    }

    fn records(&self) -> Result<Vec<(NodeId, LeaseRecord)>, LeaseError> {
        let table = self.with("reading the leases", async |session: &mut Session| {
            table(&session.client.query(ROWS, &[]).await?)
        })?;
        Ok(table.iter().map(|(node, record)| (node, record.clone())).collect())
    }

    fn reset(
        &self,
        node: NodeId,
        request: &ResetRequest,
    ) -> Result<Option<UnixMillis>, LeaseError> {
        self.change("resetting", Some(node), |table, _| Ok((node, table.reset(node, request)?)))
    }
}

fn ms(row: &Row, column: &str) -> Result<UnixMillis, tokio_postgres::Error> {
    Ok(UnixMillis(row.try_get::<_, i64>(column)?.cast_unsigned()))
}

fn node_id(node: NodeId) -> i32 {
    i32::from(node.get())
}

/// Converts a number for SQL. No valid time or fencing token is near the end of the range.
fn bigint(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn table(rows: &[Row]) -> Result<LeaseTable, tokio_postgres::Error> {
    let mut table = LeaseTable::new();
    for row in rows {
        if let Some((node, record)) = record(row)? {
            table.insert(node, record);
        }
    }
    Ok(table)
}

/// Reads a row. Returns `None` for an invalid node ID, which the table's constraint excludes.
fn record(row: &Row) -> Result<Option<(NodeId, LeaseRecord)>, tokio_postgres::Error> {
    let node = u16::try_from(row.try_get::<_, i32>("node_id")?).ok();
    let Some(node) = node.and_then(|node| NodeId::new(node).ok()) else { return Ok(None) };
    let record = LeaseRecord {
        fencing_token: row.try_get::<_, i64>("fencing_token")?.cast_unsigned(),
        from: ms(row, "from_ms")?,
        high_water_mark: ms(row, "high_water_mark_ms")?,
        held: row.try_get("held")?,
        holder: row.try_get("holder")?,
    };
    Ok(Some((node, record)))
}

/// Returns host, port and database, without user and password.
fn location(config: &Config) -> String {
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate().map(|(nth, host)| match host {
        Host::Tcp(name) => {
            // One port may be for all hosts.
            let port = ports.get(nth).or(ports.first()).unwrap_or(&5432);
            format!("{name}:{port}")
        }
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    });
    let hosts: Vec<_> = hosts.collect();
    format!("{}/{}", hosts.join(","), config.get_dbname().unwrap_or_default())
}
