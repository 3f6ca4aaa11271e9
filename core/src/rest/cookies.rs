//! The cookies that carry the refresh token and, where the host wants it, the access token: the `Set-Cookie` headers that set
//! and clear them and their predecessors.

use http::header::HeaderValue;

use super::access_cookie::fits_cookie;
use super::cookie_options::{CookieOptions, FormerCookie, HOST_NAME, PLAIN_NAME, SameSite};
use super::cookie_rules::is_secure_name;
use super::origin::Origin;
use crate::engine::Grant;

/// The path of the cookie in release 1, behind the mount path.
const FORMER_PATH: &str = "/v1/auth";

/// What sets one cookie of a browser apart from its others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CookieKey {
    pub name: String,
    domain: Option<String>,
    path: String,
    partitioned: bool,
}

/// The cookie by options that fit together, and its predecessors.
#[derive(Debug)]
pub(super) struct RefreshCookie {
    pub current: CookieKey,
    pub former: Vec<CookieKey>,
    /// The cookie of the access token, where the host wants one.
    pub access: Option<CookieKey>,
    /// Whether the former cookies are cleared without having been sent, because the host named them.
    pub clears_unseen: bool,
    same_site: SameSite,
    pub secure: bool,
    pub allowed_origins: Vec<Origin>,
}

impl RefreshCookie {
    /// The cookie of options that have been validated.
    pub fn new(options: &CookieOptions, mount_path: &str) -> Self {
        let current = CookieKey {
            name: options.effective_name().to_owned(),
            domain: options.domain.clone(),
            path: options.path.clone(),
            partitioned: options.partitioned,
        };
        let mut former = Vec::new();
        match &options.former {
            Some(given) => given.iter().for_each(|given| former.extend(former_keys(options, given))),
            // Any host of the domain can set that name, and pages would sign the browser in by it.
            None if options.access.is_some() => {}
            None => former.push(CookieKey {
                name: PLAIN_NAME.to_owned(),
                domain: options.domain.clone(),
                path: format!("{mount_path}{FORMER_PATH}"),
                partitioned: false,
            }),
        }
        former.retain(|key| *key != current);
        let access = options.access_name().map(|name| CookieKey {
            name: name.to_owned(),
            domain: options.domain.clone(),
            path: "/".to_owned(),
            partitioned: options.partitioned,
        });
        RefreshCookie {
            current,
            former,
            access,
            clears_unseen: options.former.is_some(),
            same_site: options.effective_same_site(),
            secure: options.secure,
            allowed_origins: options.allowed_origins.iter().filter_map(|text| Origin::parse(text)).collect(),
        }
    }

    /// Whether the cookie reaches pages of every site, so that a request must say where it comes from.
    pub fn is_sent_by_every_site(&self) -> bool {
        self.same_site == SameSite::None
    }

    /// The `Set-Cookie` headers with the grant's refresh token, until its session ends, and with its access token, until that
    /// expires. An access token that is too long for a cookie clears the one before.
    pub fn set(&self, grant: &Grant) -> Vec<HeaderValue> {
        let access_secs = i64::try_from(grant.expires_in).unwrap_or_default();
        let now = grant.session.access_expires_at.as_secs() - access_secs;
        let max_age = (grant.session.expires_at.as_secs() - now).max(0);
        let refresh = self.build_secret_header(&self.current, grant.refresh_token.expose(), max_age);
        let access = self.access.as_ref().and_then(|key| match self.has_room_for(grant) {
            true => self.build_secret_header(key, grant.access_token.expose(), access_secs),
            false => self.clear(key),
        });
        refresh.into_iter().chain(access).collect()
    }

    /// Whether browsers would keep the grant's access token in its cookie, or it travels in none.
    pub fn has_room_for(&self, grant: &Grant) -> bool {
        self.access.as_ref().is_none_or(|key| fits_cookie(&key.name, grant.access_token.expose()))
    }

    /// The `Set-Cookie` header that makes the browser forget the access token, where it travels in a cookie.
    pub fn clear_access(&self) -> Option<HeaderValue> {
        self.access.as_ref().and_then(|key| self.clear(key))
    }

    fn build_secret_header(&self, key: &CookieKey, value: &str, max_age: i64) -> Option<HeaderValue> {
        let mut header = self.build_header(key, value, max_age)?;
        header.set_sensitive(true);
        Some(header)
    }

    /// The `Set-Cookie` header that makes the browser forget a cookie.
    pub fn clear(&self, key: &CookieKey) -> Option<HeaderValue> {
        self.build_header(key, "", 0)
    }

    fn build_header(&self, key: &CookieKey, value: &str, max_age: i64) -> Option<HeaderValue> {
        let CookieKey { name, path, .. } = key;
        let domain = key.domain.as_ref().map_or_else(String::new, |domain| format!("; Domain={domain}"));
        // A browser takes a cookie of such a name, or a partitioned one, only with `Secure`.
        let secure = if self.secure || is_secure_name(name) || key.partitioned { "; Secure" } else { "" };
        let same_site = match self.same_site {
            SameSite::Lax => "Lax",
            SameSite::Strict => "Strict",
            SameSite::None => "None",
        };
        let partitioned = if key.partitioned { "; Partitioned" } else { "" };
        let text = format!(
            "{name}={value}; Path={path}{domain}; Max-Age={max_age}; HttpOnly{secure}; SameSite={same_site}{partitioned}"
        );
        HeaderValue::from_str(&text).ok()
    }
}

/// The cookies that a former one may have been: without a name, those of both default names that can have such attributes.
fn former_keys(options: &CookieOptions, former: &FormerCookie) -> Vec<CookieKey> {
    let path = former.path.as_ref().unwrap_or(&options.path);
    let names = match former.name.as_ref().or(options.name.as_ref()) {
        Some(name) => vec![name.as_str()],
        None if former.domain.is_none() && path == "/" => vec![HOST_NAME, PLAIN_NAME],
        None => vec![PLAIN_NAME],
    };
    let to_key = |name: &str| CookieKey {
        name: name.to_owned(),
        domain: former.domain.clone(),
        path: path.clone(),
        partitioned: former.partitioned,
    };
    names.into_iter().map(to_key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_former_cookie_is_cleared_by_the_attributes_that_it_had() {
        let clear = |options: CookieOptions| {
            let cookie = RefreshCookie::new(&options, "/auth");
            let cleared = cookie.former.iter().map(|key| cookie.clear(key).unwrap());
            cleared.map(|header| header.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let tail = "Max-Age=0; HttpOnly; Secure; SameSite=Lax";
        assert_eq!(
            clear(CookieOptions::default()),
            [format!("hj_refresh_token=; Path=/auth/v1/auth; {tail}")]
        );
        let domain = || Some("example.com".to_owned());
        let former = FormerCookie { domain: domain(), ..FormerCookie::default() };
        assert_eq!(
            clear(CookieOptions { former: Some(vec![former]), ..CookieOptions::default() }),
            [format!("hj_refresh_token=; Path=/; Domain=example.com; {tail}")]
        );
        let former = vec![
            FormerCookie::default(),
            FormerCookie { path: Some("/v1".into()), partitioned: true, ..FormerCookie::default() },
        ];
        assert_eq!(
            clear(CookieOptions { domain: domain(), former: Some(former), ..CookieOptions::default() }),
            [
                format!("__Host-hj_refresh=; Path=/; {tail}"),
                format!("hj_refresh_token=; Path=/; {tail}"),
                format!("hj_refresh_token=; Path=/v1; {tail}; Partitioned"),
            ]
        );
        let own = vec![FormerCookie::default()];
        assert!(
            clear(CookieOptions { former: Some(own), name: Some("sid".into()), ..CookieOptions::default() })
                .is_empty(),
            "it is the cookie itself"
        );
    }

    /// A cookie that browsers keep with `Secure` only is cleared with `Secure` only, also while the cookie itself is insecure.
    #[test]
    fn a_former_secure_cookie_is_cleared_as_one() {
        let named = |name: &str| FormerCookie { name: Some(name.into()), ..FormerCookie::default() };
        let former = vec![
            named("__Secure-sid"),
            named("__Host-sid"),
            FormerCookie { partitioned: true, ..named("framed") },
            named("sid"),
        ];
        let options = CookieOptions { secure: false, former: Some(former), ..CookieOptions::default() };
        let cookie = RefreshCookie::new(&options, "");
        let cleared = cookie.former.iter().map(|key| cookie.clear(key).unwrap());
        let cleared: Vec<String> = cleared.map(|header| header.to_str().unwrap().to_owned()).collect();
        assert_eq!(
            cleared,
            [
                "__Secure-sid=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
                "__Host-sid=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
                "framed=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax; Partitioned",
                "sid=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
            ]
        );
    }
}
