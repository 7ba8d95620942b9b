//! The HTTP API, and its OpenAPI description.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use snowflake::{ClaimError, Id, UnixMillis};
use utoipa::{IntoParams, OpenApi, ToSchema};

use crate::database::{Listing, OrderRow};
use crate::ids::{CustomerId, EPOCH, OrderId};
use crate::{Service, status};

/// The page size if the request has none, and the largest.
const DEFAULT_LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 100;

#[derive(OpenApi)]
#[openapi(paths(add_customer, add_order, get_order, list_orders))]
struct Description;

/// Creates the routes of the service.
pub(crate) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/", get(|| async { Html(include_str!("try.html")) }))
        .route("/openapi.json", get(|| async { Json(Description::openapi()) }))
        .route("/customers", post(add_customer))
        .route("/orders", post(add_order).get(list_orders))
        .route("/orders/{order}", get(get_order))
        .route("/healthz", get(status::healthz))
        .route("/metrics", get(status::metrics))
        .with_state(service)
}

/// An error of a request.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// The request names a row that does not exist.
    NotFound(String),
    /// The request cannot be right.
    Invalid(String),
    /// No ID can be issued now.
    NoId(ClaimError),
    Database(sqlx::Error),
}

impl From<ClaimError> for ApiError {
    fn from(error: ClaimError) -> ApiError {
        ApiError::NoId(error)
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> ApiError {
        ApiError::Database(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (code, text) = match self {
            ApiError::NotFound(text) => (StatusCode::NOT_FOUND, text),
            ApiError::Invalid(text) => (StatusCode::UNPROCESSABLE_ENTITY, text),
            ApiError::NoId(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
            ApiError::Database(error) => {
                eprintln!("orders: {error}");
                (StatusCode::INTERNAL_SERVER_ERROR, "the database failed".to_owned())
            }
        };
        (code, text + "\n").into_response()
    }
}

#[derive(Deserialize, ToSchema)]
struct NewCustomer {
    name: String,
}

#[derive(Serialize, ToSchema)]
struct Customer {
    id: CustomerId,
    name: String,
}

/// Add a customer.
#[utoipa::path(post, path = "/customers", request_body = NewCustomer, responses((status = 201, body = Customer)))]
async fn add_customer(
    State(service): State<Arc<Service>>,
    Json(NewCustomer { name }): Json<NewCustomer>,
) -> Result<impl IntoResponse, ApiError> {
    let id = service.new_id().await?;
    service.database.add_customer(id, &name).await?;
    Ok((StatusCode::CREATED, Json(Customer { id, name })))
}

#[derive(Deserialize, ToSchema)]
struct NewOrder {
    customer: CustomerId,
    item: String,
    #[schema(minimum = 1)]
    quantity: u32,
}

#[derive(Serialize, ToSchema)]
struct Order {
    id: OrderId,
    customer: CustomerId,
    item: String,
    quantity: i64,
    /// The time in the ID, in RFC 3339.
    placed_at: String,
}

impl From<OrderRow> for Order {
    fn from(row: OrderRow) -> Order {
        let OrderRow { id, customer, item, quantity } = row;
        Order { id, customer, item, quantity, placed_at: id.time(EPOCH).to_string() }
    }
}

/// Place an order.
#[utoipa::path(
    post,
    path = "/orders",
    request_body = NewOrder,
    responses((status = 201, body = Order), (status = 422, description = "No such customer")),
)]
async fn add_order(
    State(service): State<Arc<Service>>,
    Json(NewOrder { customer, item, quantity }): Json<NewOrder>,
) -> Result<impl IntoResponse, ApiError> {
    if quantity == 0 {
        return Err(ApiError::Invalid("quantity: 0; order at least one".to_owned()));
    }
    if !service.database.has_customer(customer).await? {
        return Err(ApiError::Invalid(format!("customer: {customer} does not exist")));
    }
    let id = service.new_id().await?;
    let row = OrderRow { id, customer, item, quantity: i64::from(quantity) };
    service.database.add_order(&row).await?;
    Ok((StatusCode::CREATED, Json(Order::from(row))))
}

/// Return an order.
#[utoipa::path(
    get,
    path = "/orders/{order}",
    params(("order" = OrderId, Path, description = "The order")),
    responses((status = 200, body = Order), (status = 404, description = "No such order")),
)]
async fn get_order(
    State(service): State<Arc<Service>>,
    Path(id): Path<OrderId>,
) -> Result<Json<Order>, ApiError> {
    let row = service.database.order(id).await?;
    let row = row.ok_or_else(|| ApiError::NotFound(format!("order {id} does not exist")))?;
    Ok(Json(row.into()))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListOrders {
    /// The orders of this customer only.
    customer: Option<CustomerId>,
    /// The last order of the page before.
    after: Option<OrderId>,
    /// The first time: an RFC 3339 date or time, or milliseconds since 1970.
    from: Option<String>,
    /// The last time, in the same forms.
    until: Option<String>,
    /// The number of orders, from 1 to 100; 20 by default.
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
struct Page {
    orders: Vec<Order>,
    /// The value of `after` for the next page, if there may be one.
    next: Option<OrderId>,
}

/// List orders by time, a page at a time.
#[utoipa::path(get, path = "/orders", params(ListOrders), responses((status = 200, body = Page)))]
async fn list_orders(
    State(service): State<Arc<Service>>,
    Query(query): Query<ListOrders>,
) -> Result<Json<Page>, ApiError> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(ApiError::Invalid(format!("limit: {limit} is not from 1 to {MAX_LIMIT}")));
    }
    let first = match time("from", query.from)? {
        Some(time) => EPOCH.first_id_at(time),
        None => Some(Id::MIN),
    };
    let last = match time("until", query.until)? {
        Some(time) => EPOCH.last_id_at(time),
        None => Some(Id::MAX),
    };
    // No ID has a time before the epoch or after its last timestamp.
    let (Some(first), Some(last)) = (first, last) else {
        return Ok(Json(Page { orders: Vec::new(), next: None }));
    };
    let ListOrders { customer, after, .. } = query;
    let listing = Listing { customer, after, first, last, limit };
    let orders: Vec<Order> =
        service.database.orders(&listing).await?.into_iter().map(Order::from).collect();
    let is_full = orders.len() == limit as usize;
    let next = orders.last().map(|order| order.id).filter(|_| is_full);
    Ok(Json(Page { orders, next }))
}

fn time(name: &str, text: Option<String>) -> Result<Option<UnixMillis>, ApiError> {
    let parse =
        |text: String| text.parse().map_err(|error| ApiError::Invalid(format!("{name}: {error}")));
    text.map(parse).transpose()
}
