//! `/dashboard/`: the pages of npm/dashboard, built and kept in the library, and what they must know before they have a key.

use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH, LOCATION,
};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::engine::Tenant;

/// Where the pages are. Their addresses are relative, so that the API may be mounted anywhere.
const FOLDER: &str = "/dashboard/";

/// What the pages may do: load their own files, ask their own host. There is no exception for inline code or styles.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// A file of the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DashboardFile {
    /// `/dashboard`, from where a browser is sent to the folder.
    Redirect,
    /// A file that the build has written.
    Built(&'static str, &'static str),
    /// What tells the pages the tenant, the issuer and the version.
    Config,
}

/// The files of the build: name, type, content.
const BUILT: &[(&str, &str, &str)] = &[
    ("", "text/html; charset=utf-8", include_str!("dashboard/index.html")),
    ("app.js", "text/javascript; charset=utf-8", include_str!("dashboard/app.js")),
    ("app.css", "text/css; charset=utf-8", include_str!("dashboard/app.css")),
    ("icon.svg", "image/svg+xml", include_str!("dashboard/icon.svg")),
];

/// The file of this path.
pub(super) fn find(path: &str) -> Option<DashboardFile> {
    if path == "/dashboard" {
        return Some(DashboardFile::Redirect);
    }
    let name = path.strip_prefix(FOLDER)?;
    if name == "config.json" {
        return Some(DashboardFile::Config);
    }
    let (_, content_type, content) = BUILT.iter().find(|(built, ..)| *built == name)?;
    Some(DashboardFile::Built(content_type, content))
}

/// Answers a request for a file; it takes no credentials, because no file holds a secret.
pub(super) fn answer(file: DashboardFile, tenant: &Tenant, parts: &Parts) -> Response<Vec<u8>> {
    match file {
        DashboardFile::Redirect => {
            let mut response = Response::new(Vec::new());
            *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
            response.headers_mut().insert(LOCATION, HeaderValue::from_static("dashboard/"));
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            response
        }
        DashboardFile::Built(content_type, content) => write(content_type, content, parts),
        DashboardFile::Config => {
            let config = json!({
                "tenant_id": tenant.id().as_str(),
                "issuer": tenant.issuer(),
                "version": env!("CARGO_PKG_VERSION"),
            });
            write("application/json", &config.to_string(), parts)
        }
    }
}

/// Every load asks whether the file has changed: a new release of the host shows at once, and an old one costs a 304.
fn write(content_type: &'static str, content: &str, parts: &Parts) -> Response<Vec<u8>> {
    let digest: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    let etag = format!("\"{digest}\"");
    let known = parts.headers.get(IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    let is_known = known.is_some_and(|known| {
        known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag || tag.trim() == "*")
    });
    let mut response = Response::new(Vec::new());
    let headers = response.headers_mut();
    let fixed = HeaderValue::from_static;
    headers.insert(CACHE_CONTROL, fixed("no-cache"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(ETAG, etag);
    }
    headers.insert(HeaderName::from_static("content-security-policy"), fixed(POLICY));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), fixed("same-origin"));
    headers.insert(HeaderName::from_static("referrer-policy"), fixed("no-referrer"));
    headers.insert(HeaderName::from_static("x-content-type-options"), fixed("nosniff"));
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    headers.insert(CONTENT_TYPE, fixed(content_type));
    if parts.method == Method::HEAD {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(content.len()));
    } else {
        *response.body_mut() = content.as_bytes().to_vec();
    }
    response
}
