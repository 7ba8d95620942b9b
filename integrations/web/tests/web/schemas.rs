//! Schemas: a typed ID is a string with format, pattern and the name of its kind.

use schemars::schema_for;
use serde::Serialize;
use serde_json::{Value, json};
use snowflake::Id;
use utoipa::OpenApi;

use crate::{OrderId, UserId};

#[derive(Serialize, schemars::JsonSchema, utoipa::ToSchema)]
struct Receipt {
    order: OrderId,
    user: Option<UserId>,
    related: Vec<OrderId>,
    raw: Id,
}

fn schema() -> Value {
    json!({
        "type": "string",
        "format": "snowflake",
        "pattern": "^[1-9][0-9]{0,18}$",
        "description": "A Snowflake ID, from 1 to 9223372036854775807",
    })
}

#[test]
fn schemars_names_each_kind() {
    let receipt = schema_for!(Receipt).to_value();
    for name in ["OrderId", "UserId", "Id"] {
        assert_eq!(receipt["$defs"][name], schema(), "{name}");
    }
    let properties = &receipt["properties"];
    assert_eq!(properties["order"]["$ref"], "#/$defs/OrderId");
    assert_eq!(properties["related"]["items"]["$ref"], "#/$defs/OrderId");
    assert_eq!(properties["raw"]["$ref"], "#/$defs/Id");
    assert_eq!(properties["user"]["anyOf"][0]["$ref"], "#/$defs/UserId");
    assert_eq!(receipt["required"], json!(["order", "related", "raw"]));
}

#[utoipa::path(
    get,
    path = "/orders/{order}",
    params(("order" = OrderId, Path, description = "The order")),
    responses((status = 200, body = Receipt)),
)]
#[expect(dead_code, reason = "only its description is used")]
async fn order() {}

#[derive(OpenApi)]
#[openapi(paths(order), components(schemas(OrderId)))]
struct Api;

#[test]
fn utoipa_names_each_kind() {
    let api = serde_json::to_value(Api::openapi()).unwrap();
    let schemas = &api["components"]["schemas"];
    for name in ["OrderId", "UserId", "Id"] {
        assert_eq!(schemas[name], schema(), "{name}: {api:#}");
    }
    let properties = &schemas["Receipt"]["properties"];
    assert_eq!(properties["order"]["$ref"], "#/components/schemas/OrderId");
    assert_eq!(properties["related"]["items"]["$ref"], "#/components/schemas/OrderId");
    let parameter = &api["paths"]["/orders/{order}"]["get"]["parameters"][0];
    assert_eq!(parameter["schema"]["$ref"], "#/components/schemas/OrderId");
    assert_eq!(schemas["Receipt"]["required"], json!(["order", "related", "raw"]));
}
