//! The state of the service, for the orchestrator and for Prometheus.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::json;
use snowflake::{Clock, SystemClock};

use crate::Service;

/// Reports whether IDs can be issued: 200 during a grant, and 503 after it.
pub(crate) async fn healthz(State(service): State<Arc<Service>>) -> impl IntoResponse {
    let Some(status) = service.keeper.status() else {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "error": "forked" })));
    };
    let code = match SystemClock.now() < status.grant.until {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = json!({
        "node": status.grant.node.get(),
        "granted_until": status.grant.until.to_string(),
        "renewals": status.renewals,
        "failed_renewals": status.failures,
        "error": status.error.map(|error| error.to_string()),
    });
    (code, Json(body))
}

/// Returns the counters of the generator and of the lease in Prometheus's text format.
pub(crate) async fn metrics(State(service): State<Arc<Service>>) -> String {
    snowflake::metrics::report_keeper(&service.keeper);
    service.metrics.render()
}
