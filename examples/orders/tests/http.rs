//! The service as its clients and its orchestrator see it: real processes over HTTP.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use servers::Postgres;
use tempfile::TempDir;
use ureq::Agent;

/// A running service.
struct Orders {
    process: Child,
    address: String,
    agent: Agent,
}

impl Orders {
    /// Returns the command of the service in `directory`, at a free port.
    fn command(directory: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orders"));
        command.current_dir(directory).env("LISTEN", "127.0.0.1:0");
        command.env_remove("DATABASE_URL").env_remove("LEASES");
        command
    }

    /// Starts the service, and waits until it listens.
    fn start(directory: &Path, settings: &[(&str, &str)]) -> Orders {
        let mut command = Orders::command(directory);
        command.envs(settings.iter().copied()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on ");
        let address = address.unwrap_or_else(|| panic!("it does not listen: {line:?}")).to_owned();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)));
        Orders { process, address, agent: config.build().into() }
    }

    fn get(&self, path: &str) -> (u16, Value) {
        let mut response = self.agent.get(format!("{}{path}", self.address)).call().unwrap();
        let body = response.body_mut().read_to_string().unwrap();
        let value = serde_json::from_str(&body).unwrap_or(Value::String(body));
        (response.status().as_u16(), value)
    }

    fn post(&self, path: &str, body: &Value) -> Result<(u16, Value), ureq::Error> {
        let mut response = self.agent.post(format!("{}{path}", self.address)).send_json(body)?;
        let body = response.body_mut().read_to_string()?;
        let value = serde_json::from_str(&body).unwrap_or(Value::String(body));
        Ok((response.status().as_u16(), value))
    }

    /// Creates a customer, and returns the ID.
    fn customer(&self) -> String {
        let (code, customer) = self.post("/customers", &json!({ "name": "Ada" })).unwrap();
        assert_eq!(code, 201, "{customer}");
        customer["id"].as_str().unwrap().to_owned()
    }

    /// Stops the service as an orchestrator does.
    fn terminate(mut self) -> ExitStatus {
        let kill = Command::new("kill").arg(self.process.id().to_string()).status();
        assert!(kill.unwrap().success());
        self.process.wait().unwrap()
    }
}

impl Drop for Orders {
    fn drop(&mut self) {
        // The process may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn order(customer: &str) -> Value {
    json!({ "customer": customer, "item": "tea", "quantity": 2 })
}

#[test]
fn orders_are_placed_read_and_listed_by_page_and_time() {
    let directory = TempDir::new().unwrap();
    let service = Orders::start(directory.path(), &[]);
    let customer = service.customer();
    let placed: Vec<Value> = (0..5)
        .map(|_| {
            let (code, placed) = service.post("/orders", &order(&customer)).unwrap();
            assert_eq!(code, 201, "{placed}");
            placed
        })
        .collect();
    let id = placed[2]["id"].as_str().unwrap();
    assert_eq!(service.get(&format!("/orders/{id}")), (200, placed[2].clone()));

    // All pages together are all orders, in the order of their times.
    let mut listed = Vec::new();
    let mut path = "/orders?limit=2".to_owned();
    loop {
        let (_, page) = service.get(&path);
        listed.extend(page["orders"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/orders?limit=2&after={next}");
    }
    assert_eq!(listed, placed);

    let time = placed[2]["placed_at"].as_str().unwrap();
    let (_, page) = service.get(&format!("/orders?from={time}&until={time}"));
    let of_time: Vec<_> = placed.iter().filter(|order| order["placed_at"] == time).collect();
    assert_eq!(page["orders"].as_array().unwrap().iter().collect::<Vec<_>>(), of_time);
    assert_eq!(service.get("/orders?until=2023-01-01").1["orders"], json!([]));
    let (_, page) = service.get(&format!("/orders?customer={customer}"));
    assert_eq!(page["orders"].as_array().unwrap().len(), 5);
}

#[test]
fn a_wrong_request_is_a_client_error_that_names_the_field() {
    let directory = TempDir::new().unwrap();
    let service = Orders::start(directory.path(), &[]);
    for (path, code, part) in [
        ("/orders/042", 400, "OrderId: invalid ID"),
        ("/orders/7", 404, "order 7 does not exist"),
        ("/orders?after=x", 400, "OrderId: invalid ID"),
        ("/orders?from=yesterday", 422, "from: invalid time"),
        ("/orders?limit=0", 422, "limit: 0"),
    ] {
        let (status, body) = service.get(path);
        assert_eq!(status, code, "{path}: {body}");
        assert!(body.as_str().unwrap().contains(part), "{path}: {body}");
    }
    let (code, body) = service.post("/orders", &order("7")).unwrap();
    assert_eq!((code, body), (422, json!("customer: 7 does not exist\n")));
}

#[test]
fn the_description_the_metrics_and_the_health_are_served() {
    let directory = TempDir::new().unwrap();
    let service = Orders::start(directory.path(), &[]);
    service.customer();
    let (_, description) = service.get("/openapi.json");
    let schemas = &description["components"]["schemas"];
    for kind in ["OrderId", "CustomerId"] {
        assert_eq!(schemas[kind]["format"], "snowflake", "{description:#}");
    }
    let (code, health) = service.get("/healthz");
    assert_eq!((code, &health["error"]), (200, &Value::Null));
    let (_, metrics) = service.get("/metrics");
    let node = &health["node"];
    let issued = format!("snowflake_ids_issued_total{{node=\"{node}\"}} 1\n");
    assert!(metrics.as_str().unwrap().contains(&issued), "{metrics}");
    assert!(service.get("/").1.as_str().unwrap().contains("openapi.json"));
}

/// An empty lease store would permit the IDs in the database again.
#[test]
fn a_service_with_a_database_and_without_its_lease_store_does_not_start() {
    let directory = TempDir::new().unwrap();
    let orders = Orders::start(directory.path(), &[]);
    orders.customer();
    assert!(orders.terminate().success());
    std::fs::remove_dir_all(directory.path().join("orders-leases")).unwrap();

    let output = Orders::command(directory.path()).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && message.contains("no store here"), "{message}");
}

#[test]
fn a_service_that_is_terminated_releases_its_node_id() {
    let directory = TempDir::new().unwrap();
    let service = Orders::start(directory.path(), &[]);
    let first = service.customer();
    let node = service.get("/healthz").1["node"].clone();
    assert!(service.terminate().success());
    let service = Orders::start(directory.path(), &[]);
    assert_eq!(service.get("/healthz").1["node"], node);
    let second = service.customer();
    assert!(second.parse::<u64>().unwrap() > first.parse::<u64>().unwrap());
}

#[test]
fn replicas_on_postgresql_that_are_killed_never_repeat_an_id() {
    let Some(server) = Postgres::start() else { return };
    let directory = TempDir::new().unwrap();
    let url = server.url();
    let start = || Orders::start(directory.path(), &[("DATABASE_URL", &url)]);
    let steady = start();
    let customer = steady.customer();
    let is_over = AtomicBool::new(false);

    let ids: Vec<String> = thread::scope(|scope| {
        // Every request to the live replica succeeds.
        let load = scope.spawn(|| {
            let mut ids = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                let (code, placed) = steady.post("/orders", &order(&customer)).unwrap();
                assert_eq!(code, 201, "{placed}");
                ids.push(placed["id"].as_str().unwrap().to_owned());
            }
            ids
        });
        let mut ids = Vec::new();
        for _ in 0..5 {
            let mut replica = start();
            for _ in 0..20 {
                let (code, placed) = replica.post("/orders", &order(&customer)).unwrap();
                assert_eq!(code, 201, "{placed}");
                ids.push(placed["id"].as_str().unwrap().to_owned());
            }
            replica.process.kill().unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        ids.extend(load.join().unwrap());
        ids
    });
    let distinct: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len());
    assert!(ids.len() > 100);
}
