//! A store in PostgreSQL.

use std::fmt;
use std::time::Duration;

use parking_lot::Mutex;
use postgres::types::ToSql;
use postgres::{Client, Config, NoTls, Row, Statement, Transaction};

use crate::fork;
use crate::lease::{Bounds, Lease, LeaseError, LeaseStore, Ledger, Namespace, Problem, Record};
use crate::lease::{Request, StoreError};
use crate::{Epoch, NodeId, UnixMillis};

/// A store in a PostgreSQL database, for many machines.
///
/// Two tables, made when the store is first used: `snowflake_namespace` with one row of
/// epoch and layout, and `snowflake_lease` with a row for each node id that was ever held.
/// They are found by the connection's `search_path`, so that a schema is a namespace. The
/// user needs `CREATE` in it once, then `SELECT`, `INSERT` and `UPDATE` on both.
///
/// An acquisition is one transaction; a renewal is one statement, one round trip. Bounds
/// are measured from the server's `clock_timestamp()`.
///
/// Its calls block, on a runtime of their own: from async code start and release a keeper
/// on a thread where that is allowed, as tokio's `spawn_blocking` has.
///
/// # Durability
///
/// A grant is as durable as a commit. `synchronous_commit = off`, where a crash of the
/// server loses the last commits, is overruled for this connection. A failover to a
/// standby that had not confirmed a commit loses it in any case: use synchronous
/// replication (`synchronous_standby_names`), or keep the failed server's clients stopped
/// for the length of a grant and [`reset`](LeaseStore::reset) the marks to the time then.
///
/// # Examples
///
/// ```no_run
/// use snowflake::lease::{Bounds, Keeper, PostgresStore};
/// use snowflake::{Epoch, SystemClock};
///
/// let url = "postgresql://ids@localhost/orders";
/// let store = PostgresStore::connect(url, Epoch::Y2024, Bounds::default())?;
/// let keeper = Keeper::builder(store).start(SystemClock)?;
/// println!("node id {}", keeper.generator().node());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PostgresStore {
    connect: Box<dyn Fn() -> Result<Client, postgres::Error> + Send + Sync>,
    place: String,
    namespace: Namespace,
    bounds: Bounds,
    /// None after a failure: the next call connects anew.
    client: Mutex<Option<Session>>,
}

struct Session {
    client: Client,
    /// Prepared by the first renewal, so that each after it is one round trip.
    renewal: Option<Statement>,
    /// The [generation](fork::generation) of the process that connected.
    born: u32,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("place", &self.place)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// How long a connection, and a statement, may take, unless the URL says otherwise for the
/// first: well within two thirds of a default grant.
const TIMEOUT: Duration = Duration::from_secs(1);

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS snowflake_namespace (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    epoch_ms bigint NOT NULL,
    timestamp_bits int NOT NULL,
    node_bits int NOT NULL,
    sequence_bits int NOT NULL
);
CREATE TABLE IF NOT EXISTS snowflake_lease (
    node int PRIMARY KEY CHECK (node BETWEEN 0 AND 1023),
    fence bigint NOT NULL,
    from_ms bigint NOT NULL,
    mark_ms bigint NOT NULL,
    held boolean NOT NULL,
    holder text NOT NULL
);";

/// Whole milliseconds by the server's clock.
const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

impl PostgresStore {
    /// Connects to the database at `url`, and makes the tables if they are not there.
    ///
    /// The URL is PostgreSQL's own, `postgresql://user:password@host:port/database`, or its
    /// `key=value` form. The connection is not encrypted, and refused if the URL says
    /// `sslmode=require`: for TLS bring a connector to [`connect_with`](PostgresStore::connect_with).
    ///
    /// # Errors
    ///
    /// [`LeaseError::Store`] if there is no connection or the tables cannot be made;
    /// [`LeaseError::OtherNamespace`] if they are for another epoch.
    pub fn connect(url: &str, epoch: Epoch, bounds: Bounds) -> Result<PostgresStore, LeaseError> {
        let mut config: Config = url.parse().map_err(|error| {
            // Without the URL itself, which may hold a password.
            let problem = Problem::Failed { doing: "reading the URL" };
            LeaseError::from(StoreError::new("in PostgreSQL", problem).because(error))
        })?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(TIMEOUT);
        }
        config.tcp_user_timeout(TIMEOUT);
        let place = place(&config);
        PostgresStore::connect_with(place, epoch, bounds, move || config.connect(NoTls))
    }

    /// As [`connect`](PostgresStore::connect), through connections that `connect` makes: with
    /// TLS by `postgres-native-tls` or `tokio-postgres-rustls`, say. It is called again after
    /// a failure, and should give up well within a grant. `place` is what errors call
    /// the server.
    ///
    /// # Errors
    ///
    /// As [`connect`](PostgresStore::connect).
    pub fn connect_with(
        place: impl fmt::Display,
        epoch: Epoch,
        bounds: Bounds,
        connect: impl Fn() -> Result<Client, postgres::Error> + Send + Sync + 'static,
    ) -> Result<PostgresStore, LeaseError> {
        let place = format!("in PostgreSQL at {place}");
        let namespace = Namespace::new(epoch);
        let (connect, client) = (Box::new(connect), Mutex::new(None));
        let store = PostgresStore { connect, place, namespace, bounds, client };
        store.in_transaction("making the tables", |transaction| {
            // Two processes that make them at once would get in each other's way.
            transaction.batch_execute("SELECT pg_advisory_xact_lock(7095803146)")?;
            transaction.batch_execute(SCHEMA)?;
            let [timestamp, node, sequence] = namespace.layout.map(|bits| bits as i32);
            let epoch_ms = epoch.start().0 as i64;
            transaction.execute(
                "INSERT INTO snowflake_namespace VALUES (true, $1, $2, $3, $4) ON CONFLICT DO NOTHING",
                &[&epoch_ms, &timestamp, &node, &sequence],
            )?;
            let row = transaction.query_one("SELECT * FROM snowflake_namespace", &[])?;
            let bits = |column| row.get::<_, i32>(column) as u32;
            let recorded = Namespace {
                epoch: Epoch::new(ms(&row, "epoch_ms")),
                layout: [bits("timestamp_bits"), bits("node_bits"), bits("sequence_bits")],
            };
            Ok(recorded.expect(namespace))
        })??;
        Ok(store)
    }

    fn open(&self) -> Result<Session, postgres::Error> {
        let mut client = (self.connect)()?;
        // `local` and better wait for the disk: only `off` does not.
        client.batch_execute(&format!(
            "SET statement_timeout = {}; SET lock_timeout = {0}; \
             SELECT set_config('synchronous_commit', 'on', false) \
             WHERE current_setting('synchronous_commit') = 'off'",
            TIMEOUT.as_millis()
        ))?;
        Ok(Session { client, renewal: None, born: fork::generation() })
    }

    /// Runs `ask` on a connection. One that fails is given up, whatever the reason.
    fn with<T>(
        &self,
        doing: &'static str,
        ask: impl FnOnce(&mut Session) -> Result<T, postgres::Error>,
    ) -> Result<T, LeaseError> {
        let mut session = self.client.lock();
        if session.as_ref().is_some_and(|session| session.born != fork::generation()) {
            // The parent's: not even to be closed.
            std::mem::forget(session.take());
        }
        let asked = match &mut *session {
            Some(open) => ask(open),
            none => self.open().and_then(|open| ask(none.insert(open))),
        };
        asked.map_err(|error| {
            *session = None;
            StoreError::new(&*self.place, Problem::Failed { doing }).because(error).into()
        })
    }

    fn in_transaction<T>(
        &self,
        doing: &'static str,
        change: impl FnOnce(&mut Transaction<'_>) -> Result<T, postgres::Error>,
    ) -> Result<T, LeaseError> {
        self.with(doing, |session| {
            let mut transaction = session.client.transaction()?;
            let changed = change(&mut transaction)?;
            transaction.commit()?;
            Ok(changed)
        })
    }

    /// Changes the ledger as `change` does, in one transaction that no other overlaps.
    fn change<T>(
        &self,
        doing: &'static str,
        change: impl FnOnce(&mut Ledger, UnixMillis) -> Result<(NodeId, T), LeaseError>,
    ) -> Result<T, LeaseError> {
        self.in_transaction(doing, |transaction| {
            transaction.batch_execute("LOCK TABLE snowflake_lease IN EXCLUSIVE MODE")?;
            let now =
                ms(&transaction.query_one(&format!("SELECT {NOW} AS now_ms"), &[])?, "now_ms");
            let mut ledger = Ledger::new();
            for row in transaction.query("SELECT * FROM snowflake_lease", &[])? {
                if let Some((node, record)) = record(&row) {
                    ledger.insert(node, record);
                }
            }
            let (node, granted) = match change(&mut ledger, now) {
                Ok(changed) => changed,
                Err(refused) => return Ok(Err(refused)),
            };
            if let Some(Record { fence, from, mark, held, holder }) = ledger.get(node) {
                let values: [&(dyn ToSql + Sync); 6] = [
                    &i32::from(node.get()),
                    &(*fence as i64),
                    &(from.0 as i64),
                    &(mark.0 as i64),
                    held,
                    holder,
                ];
                transaction.execute(
                    "INSERT INTO snowflake_lease VALUES ($1, $2, $3, $4, $5, $6) \
                     ON CONFLICT (node) DO UPDATE SET fence = $2, from_ms = $3, mark_ms = $4, \
                     held = $5, holder = $6",
                    &values,
                )?;
            }
            Ok(Ok(granted))
        })?
    }
}

impl LeaseStore for PostgresStore {
    fn namespace(&self) -> Namespace {
        self.namespace
    }

    fn acquire(&self, request: &Request) -> Result<Lease, LeaseError> {
        self.change("acquiring a node id", |ledger, now| {
            let lease = ledger.acquire(request, now, self.bounds)?;
            Ok((lease.node, lease))
        })
    }

    fn renew(
        &self,
        lease: &Lease,
        _holders_now: UnixMillis,
        until: UnixMillis,
    ) -> Result<Lease, LeaseError> {
        let doing = "renewing";
        // `Ledger::renew` in SQL: in one statement, and so in one round trip.
        let statement = format!(
            "UPDATE snowflake_lease SET from_ms = mark_ms, mark_ms = greatest($3, mark_ms + 1) \
             WHERE node = $1 AND fence = $2 AND held AND greatest($3, mark_ms + 1) <= {NOW} + $4 \
             RETURNING from_ms, mark_ms"
        );
        let node = i32::from(lease.node.get());
        let fence = lease.fence as i64;
        let ahead_ms = self.bounds.ahead_ms() as i64;
        let row = self.with(doing, |Session { client, renewal, .. }| {
            let prepared = match renewal {
                Some(prepared) => prepared,
                none => none.insert(client.prepare(&statement)?),
            };
            client.query_opt(&*prepared, &[&node, &fence, &(until.0 as i64), &ahead_ms])
        })?;
        match row {
            Some(row) => {
                Ok(Lease { from: ms(&row, "from_ms"), until: ms(&row, "mark_ms"), ..*lease })
            }
            // Refused: the same rules say why, or grant it if that has changed by now.
            None => self.change(doing, |ledger, now| {
                Ok((lease.node, ledger.renew(lease, until, now, self.bounds)?))
            }),
        }
    }

    fn release(&self, lease: &Lease, mark: UnixMillis) -> Result<(), LeaseError> {
        self.change("releasing", |ledger, _| Ok((lease.node, ledger.release(lease, mark)?)))
    }

    fn records(&self) -> Result<Vec<(NodeId, Record)>, LeaseError> {
        self.with("reading the leases", |session| {
            let rows = session.client.query("SELECT * FROM snowflake_lease ORDER BY node", &[])?;
            Ok(rows.iter().filter_map(record).collect())
        })
    }

    fn reset(&self, node: NodeId, mark: UnixMillis) -> Result<(), LeaseError> {
        self.change("resetting", |ledger, _| {
            ledger.reset(node, mark);
            Ok((node, ()))
        })
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        if let Some(session) = self.client.get_mut().take_if(|it| it.born != fork::generation()) {
            // Closing it would close the parent's.
            std::mem::forget(session);
        }
    }
}

fn ms(row: &Row, column: &str) -> UnixMillis {
    UnixMillis(row.get::<_, i64>(column) as u64)
}

/// A row's record. The table's check keeps other node ids out.
fn record(row: &Row) -> Option<(NodeId, Record)> {
    let node = NodeId::new(u16::try_from(row.get::<_, i32>("node")).ok()?).ok()?;
    let record = Record {
        fence: row.get::<_, i64>("fence") as u64,
        from: ms(row, "from_ms"),
        mark: ms(row, "mark_ms"),
        held: row.get("held"),
        holder: row.get("holder"),
    };
    Some((node, record))
}

/// Host and database, without user and password.
fn place(config: &Config) -> String {
    let hosts = config.get_hosts().iter().map(|host| match host {
        postgres::config::Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        postgres::config::Host::Unix(path) => path.display().to_string(),
    });
    let hosts: Vec<_> = hosts.collect();
    format!("{}/{}", hosts.join(","), config.get_dbname().unwrap_or_default())
}
