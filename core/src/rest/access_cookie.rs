//! The cookie that carries the access token to pages that a server renders: its options, and the tokens that a request brings in it.

use http::request::Parts;

use super::cookie_rules::{is_cookie_name, is_host_name, is_secure_name};
use super::request_head::cookie_pairs;
use crate::error::{Error, ErrorCode};
use crate::schema::request_struct;
use crate::token::access_claims::AccessClaims;

/// The name where the browser can hold it to this host.
const HOST_NAME: &str = "__Host-hj_access";
/// The name otherwise.
const PLAIN_NAME: &str = "hj_access_token";
/// The most bytes of name and value together: browsers drop a longer cookie (RFC 6265bis, section 5.6).
const COOKIE_MAX: usize = 4096;
/// How many access tokens of one request are looked at.
const TOKENS_MAX: usize = 16;

request_struct! {
    /// The cookie that carries the access token, for pages that a server renders. It is always `HttpOnly` and of the path `/`, lasts as
    /// long as its token, and has the domain, `SameSite`, `Secure` and `Partitioned` of the cookie of the refresh token.
    ///
    /// ```
    /// use hellojohn::rest::{AccessCookieOptions, CookieOptions, RestOptions};
    ///
    /// let cookie = CookieOptions::default().access(Some(AccessCookieOptions::default()));
    /// RestOptions::default().cookie(Some(cookie)).validate()?;
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    #[derive(Debug, Clone, PartialEq, Eq, Default)]
    pub struct AccessCookieOptions {
        /// Its name: letters, digits, `_` and `-`, 1 to 64 of them. Default: `__Host-hj_access` with `secure` and no `domain`, else
        /// `hj_access_token`.
        pub name: Option<String>,
    }
}

impl AccessCookieOptions {
    pub(super) fn effective_name(&self, secure: bool, domain: Option<&str>) -> &str {
        match &self.name {
            Some(name) => name,
            None if secure && domain.is_none() => HOST_NAME,
            None => PLAIN_NAME,
        }
    }

    /// Refuses what a browser would refuse, and the name of the refresh cookie.
    pub(super) fn validate(
        &self,
        refresh_name: &str,
        secure: bool,
        domain: Option<&str>,
    ) -> Result<(), Error> {
        let name = self.effective_name(secure, domain);
        let refuse = |problem: &str| Err(Error::validation("cookie.access.name", problem));
        if !is_cookie_name(name) {
            return refuse("must be 1 to 64 letters, digits, _ and -");
        }
        if name == refresh_name {
            return refuse("must not be the name of the refresh cookie");
        }
        if is_secure_name(name) && !secure {
            return refuse("is for a secure cookie");
        }
        if is_host_name(name) && domain.is_some() {
            return refuse("with the prefix __Host- needs a cookie without a domain");
        }
        Ok(())
    }
}

/// Whether browsers keep a cookie of this name and value.
pub(super) fn fits_cookie(name: &str, value: &str) -> bool {
    name.len() + value.len() <= COOKIE_MAX
}

/// The access tokens that a request brings in cookies of one name.
pub(super) struct AccessTokens<'a>(Vec<&'a str>);

impl<'a> AccessTokens<'a> {
    pub fn read(name: &str, parts: &'a Parts) -> Self {
        let mut tokens: Vec<&str> = Vec::new();
        for (_, value) in cookie_pairs(parts).filter(|(found, value)| *found == name && !value.is_empty()) {
            if !tokens.contains(&value) && tokens.len() < TOKENS_MAX {
                tokens.push(value);
            }
        }
        AccessTokens(tokens)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn as_slice(&self) -> &[&'a str] {
        &self.0
    }

    /// The token to use. A browser may send several cookies of one name, and another host of the domain may have set one: a good
    /// one goes before others, and of several of one user the newest. `verify` is asked only where there is a choice.
    ///
    /// # Errors
    /// `missing_token`; `bad_request` for good tokens of different users, because one of them was planted; the refusal of the
    /// first where none is good; an error of the store.
    pub fn pick(&self, verify: impl Fn(&str) -> Result<AccessClaims, Error>) -> Result<&'a str, Error> {
        if let [token] = self.0[..] {
            return Ok(token);
        }
        let mut best: Option<(&'a str, AccessClaims)> = None;
        let mut refusal = None;
        for token in &self.0 {
            match (verify(token), &best) {
                (Ok(claims), Some((_, known))) if claims.user_id != known.user_id => {
                    let problem = "access cookies of one name are of different users";
                    return Err(Error::new(ErrorCode::BadRequest, problem));
                }
                (Ok(claims), Some((_, known))) if claims.issued_at <= known.issued_at => {}
                (Ok(claims), _) => best = Some((token, claims)),
                (Err(error), _) if error.code().http_status() >= 500 => return Err(error),
                (Err(error), _) => {
                    refusal.get_or_insert(error);
                }
            }
        }
        let missing = || Error::new(ErrorCode::MissingToken, "the request has no access token");
        best.map(|(token, _)| token).ok_or_else(|| refusal.unwrap_or_else(missing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::model::factor::Factors;
    use crate::model::id::SessionId;

    #[test]
    fn names_are_checked_as_browsers_do() {
        let named = |name: &str| AccessCookieOptions { name: Some(name.into()) };
        let (default, refresh) = (AccessCookieOptions::default(), "__Host-hj_refresh");
        assert_eq!(default.effective_name(true, None), "__Host-hj_access");
        assert_eq!(default.effective_name(true, Some("example.com")), "hj_access_token");
        assert_eq!(default.effective_name(false, None), "hj_access_token");
        assert_eq!(named("__Host-a").validate(refresh, true, None), Ok(()));
        assert_eq!(default.validate("hj_refresh_token", false, None), Ok(()));
        for (bad, secure, domain) in [
            (named("a b"), true, None),
            (named(""), true, None),
            (named(refresh), true, None),
            (named("__Host-a"), false, None),
            (named("__Secure-a"), false, None),
            (named("__host-a"), true, Some("example.com")),
        ] {
            assert!(bad.validate(refresh, secure, domain).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_cookie_holds_4096_bytes_with_its_name() {
        assert!(fits_cookie("name", &"x".repeat(4092)));
        assert!(!fits_cookie("name", &"x".repeat(4093)));
    }

    fn sent(cookies: &str) -> Parts {
        http::Request::get("/").header("cookie", cookies).body(()).unwrap().into_parts().0
    }

    #[test]
    fn sixteen_different_tokens_of_one_name_are_looked_at() {
        let parts = sent("a=1; b=2; a=; a=3; a=1; ab=4; a=5");
        assert_eq!(AccessTokens::read("a", &parts).as_slice(), ["1", "3", "5"]);
        assert!(AccessTokens::read("c", &parts).is_empty());
        let many: Vec<String> = (0..20).map(|number| format!("a={number}; a={number}")).collect();
        let parts = sent(&many.join("; "));
        let expected: Vec<String> = (0..16).map(|number| number.to_string()).collect();
        assert_eq!(AccessTokens::read("a", &parts).as_slice(), expected);
    }

    /// A token's text is its user and the second at which it was issued, such as `ada-5`, or the word for its refusal.
    fn verify(token: &str) -> Result<AccessClaims, Error> {
        let code = match token {
            "expired" => ErrorCode::TokenExpired,
            "ended" => ErrorCode::SessionRevoked,
            "busy" => ErrorCode::StorageBusy,
            "closed" => ErrorCode::EngineClosed,
            _ => ErrorCode::InvalidToken,
        };
        let refuse = || Error::new(code, "it is refused");
        let (user, second) = token.split_once('-').ok_or_else(refuse)?;
        Ok(AccessClaims {
            user_id: user.parse()?,
            session_id: SessionId::from_bytes([7; 16]),
            tenant_id: "tnt_acme".parse()?,
            org_id: None,
            role: None,
            mfa_verified: false,
            auth_time: None,
            factors: Factors::default(),
            actor_user_id: None,
            email: None,
            issued_at: Timestamp::from_secs(second.parse().unwrap()),
            expires_at: Timestamp::from_secs(9_000),
            token_id: "t".into(),
            payload: serde_json::Map::new(),
        })
    }

    #[test]
    fn of_several_tokens_the_newest_good_one_of_the_user_counts() {
        for (tokens, expected) in [
            ("ada-5", Ok("ada-5")),
            ("ada-5 ada-7", Ok("ada-7")),
            ("ada-7 ada-5", Ok("ada-7")),
            ("ada-5 ada-7 ada-6", Ok("ada-7")),
            ("expired ada-5 garbage", Ok("ada-5")),
            ("ada-5 bob-5", Err(ErrorCode::BadRequest)),
            ("ada-5 ada-6 bob-7", Err(ErrorCode::BadRequest)),
            ("ended garbage", Err(ErrorCode::SessionRevoked)),
            ("garbage ended", Err(ErrorCode::InvalidToken)),
            // Whether the others are good is not known then.
            ("busy ada-5", Err(ErrorCode::StorageBusy)),
            ("ada-5 busy", Err(ErrorCode::StorageBusy)),
            ("garbage closed", Err(ErrorCode::EngineClosed)),
            ("", Err(ErrorCode::MissingToken)),
        ] {
            let cookies: Vec<String> = tokens.split_whitespace().map(|token| format!("a={token}")).collect();
            let parts = sent(&cookies.join("; "));
            let found = AccessTokens::read("a", &parts).pick(verify).map_err(|error| error.code());
            assert_eq!(found, expected, "{tokens}");
        }
        // Of two that were issued in the same second the first one: browsers send the cookie of the longest path first.
        assert_eq!(AccessTokens::read("a", &sent("a=ada-5; a=ada-05")).pick(verify), Ok("ada-5"));
        // One token needs no verification to be picked.
        let alone = AccessTokens(vec!["one"]);
        assert_eq!(alone.pick(|_| panic!("there is no choice")), Ok("one"));
    }
}
