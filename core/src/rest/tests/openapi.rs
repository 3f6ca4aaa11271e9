//! Checks `openapi.json` against the table of routes: methods, paths, query parameters, bodies, callers, statuses.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::error::ErrorCode;
use crate::rest::OPENAPI;
use crate::rest::auth::Access;
use crate::rest::request::Body;
use crate::rest::routes::{ROUTES, Route, Work};

fn document() -> Value {
    serde_json::from_str(OPENAPI).expect("JSON")
}

/// Follows `$ref`.
fn follow_reference<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).expect(reference),
        None => value,
    }
}

fn operation<'a>(document: &'a Value, route: &Route) -> &'a Value {
    &document["paths"][route.path][route.method.as_str().to_ascii_lowercase()]
}

fn names(object: &Map<String, Value>) -> BTreeSet<&str> {
    object.keys().map(String::as_str).collect()
}

#[test]
fn it_has_the_routes_of_the_table_and_no_others() {
    let document = document();
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(move |method| (path.clone(), method.to_ascii_uppercase()))
        })
        .collect();
    let routed: BTreeSet<(String, String)> =
        ROUTES.iter().map(|route| (route.path.to_owned(), route.method.to_string())).collect();
    assert_eq!(described, routed);
}

#[test]
fn it_has_their_parameters_and_bodies() {
    let document = document();
    for route in ROUTES {
        let operation = operation(&document, route);
        let parameters: Vec<&Value> = operation["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|parameter| follow_reference(&document, parameter))
            .collect();
        let names_in = |place: &str| -> BTreeSet<&str> {
            let here = parameters.iter().filter(|parameter| parameter["in"] == place);
            here.map(|parameter| parameter["name"].as_str().unwrap()).collect()
        };
        assert_eq!(names_in("query"), route.query.iter().copied().collect(), "{route:?}");
        let mut headers = BTreeSet::from(["X-Tenant-ID"]);
        if route.access != Access::Open && route.work == Work::Write {
            headers.insert("X-Actor");
        }
        assert_eq!(names_in("header"), headers, "{route:?}");
        assert_eq!(names_in("path").len(), usize::from(route.path.contains('{')), "{route:?}");
        let required = operation["requestBody"]["required"].as_bool();
        let expected = match route.body {
            Body::None => None,
            Body::Optional => Some(false),
            Body::Required => Some(true),
        };
        assert_eq!(required, expected, "{route:?}");
    }
}

#[test]
fn it_has_their_callers_and_errors() {
    let document = document();
    for route in ROUTES {
        let operation = operation(&document, route);
        let schemes: BTreeSet<&str> = operation["security"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|scheme| scheme.as_object().unwrap().keys().map(String::as_str))
            .collect();
        match route.access {
            Access::Open => assert!(!schemes.contains("secretKey"), "{route:?}"),
            Access::SecretKey | Access::RevocationList => {
                assert_eq!(schemes, BTreeSet::from(["secretKey"]), "{route:?}")
            }
            Access::SecretKeyOrUser => {
                assert_eq!(schemes, BTreeSet::from(["secretKey", "accessToken"]), "{route:?}");
            }
        }
        let responses = names(operation["responses"].as_object().unwrap());
        let mut expected = BTreeSet::from(["400", "403", "413", "422", "500", "503", "507"]);
        if route.access != Access::Open || route.path.starts_with("/v1/auth/") {
            expected.insert("401");
        }
        // A session that is not there, also the caller's own that was purged meanwhile; a route that is not offered.
        let may_miss = [
            ("GET", "/v1/sessions/{session_id}"),
            ("DELETE", "/v1/sessions/{session_id}"),
            ("DELETE", "/v1/sessions"),
            ("POST", "/v1/auth/sign-in"),
        ];
        if may_miss.contains(&(route.method.as_str(), route.path))
            || matches!(route.access, Access::SecretKey | Access::RevocationList)
        {
            expected.insert("404");
        }
        if ["/v1/auth/sign-in", "/v1/admin/keys/rotate"].contains(&route.path) {
            expected.insert("429");
        }
        let errors: BTreeSet<&str> =
            responses.iter().copied().filter(|status| !status.starts_with('2')).collect();
        assert_eq!(errors, expected, "{route:?}");
        assert_eq!(responses.len(), errors.len() + 1, "{route:?}");
    }
}

#[test]
fn it_knows_every_error_code_and_its_status() {
    let document = document();
    let all: BTreeSet<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    let code = &document["components"]["schemas"]["Error"]["properties"]["error"]["properties"]["code"];
    let listed = |codes: &'_ Value| -> BTreeSet<String> {
        codes["enum"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed(code), all.iter().map(|code| (*code).to_owned()).collect());
    for response in document["components"]["responses"].as_object().unwrap().values() {
        let error = &response["content"]["application/json"]["schema"]["allOf"][1]["properties"]["error"];
        let error = &error["properties"];
        let codes = ErrorCode::ALL.iter().filter(|code| error["status"]["const"] == code.http_status());
        assert_eq!(listed(&error["code"]), codes.map(|code| code.as_str().to_owned()).collect());
    }
}
