//! axum: typed IDs in a path, a query, a form and a body. Text that is not an ID is a 4xx.

use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::{Request, StatusCode, header};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};
use tower::ServiceExt;

use crate::{OrderId, UserId};

#[derive(Debug, Deserialize, Serialize)]
struct Page {
    before: OrderId,
    user: Option<UserId>,
}

fn service() -> Router {
    Router::new()
        .route("/orders/{order}", get(|Path(order): Path<OrderId>| async move { order.to_string() }))
        .route(
            "/users/{user}/orders/{order}",
            get(|Path((user, order)): Path<(UserId, OrderId)>| async move {
                format!("{user} {order}")
            }),
        )
        .route("/query", get(|Query(page): Query<Page>| async move { Json(page) }))
        .route("/form", post(|Form(page): Form<Page>| async move { Json(page) }))
        .route("/json", post(|Json(page): Json<Page>| async move { Json(page) }))
}

async fn respond(request: Request<Body>) -> (StatusCode, String) {
    let response = service().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn get_from(path: &str) -> (StatusCode, String) {
    respond(Request::get(path).body(Body::empty()).unwrap()).await
}

async fn post_to(path: &str, content_type: &str, body: &'static str) -> (StatusCode, String) {
    let request = Request::post(path).header(header::CONTENT_TYPE, content_type);
    respond(request.body(body.into()).unwrap()).await
}

const URL_ENCODED: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

#[tokio::test]
async fn a_path_has_typed_ids() {
    assert_eq!(get_from("/orders/4242").await, (StatusCode::OK, "4242".to_owned()));
    let both = get_from("/users/7/orders/9223372036854775807").await;
    assert_eq!(both, (StatusCode::OK, "7 9223372036854775807".to_owned()));
    for wrong in ["0", "042", "+42", "%2042", "-1", "0x2a", "x", "9223372036854775808"] {
        let (status, body) = get_from(&format!("/orders/{wrong}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}: {body}");
        assert!(body.contains("OrderId: invalid ID"), "{wrong}: {body}");
    }
}

#[tokio::test]
async fn a_query_and_a_form_have_typed_ids() {
    let page = r#"{"before":"9007199254740993","user":"7"}"#.to_owned();
    let query = get_from("/query?before=9007199254740993&user=7").await;
    assert_eq!(query, (StatusCode::OK, page.clone()));
    let form = post_to("/form", URL_ENCODED, "before=9007199254740993&user=7").await;
    assert_eq!(form, (StatusCode::OK, page));
    let (status, body) = get_from("/query?before=4242").await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, r#"{"before":"4242","user":null}"#));

    let (status, body) = get_from("/query?before=1&user=07").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.contains("UserId: invalid ID: leading zero"), "{body}");
    let (status, body) = post_to("/form", URL_ENCODED, "before=x").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body.contains("OrderId: invalid ID"), "{body}");
}

#[tokio::test]
async fn a_json_body_has_typed_ids() {
    let (status, body) = post_to("/json", JSON, r#"{"before":"4242"}"#).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, r#"{"before":"4242","user":null}"#));
    let (status, body) = post_to("/json", JSON, r#"{"before":{}}"#).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body.contains("expected OrderId: a Snowflake ID"), "{body}");
}
