//! The refresh tokens that a request brings in cookies. A browser may send several cookies of one name, and another host of
//! the domain may have set one of them: all are looked at without an effect, and one of the good ones is used.

use std::cmp::Reverse;

use http::header::HeaderValue;
use http::request::Parts;

use super::cookies::RefreshCookie;
use super::request_head::cookie_pairs;
use crate::engine::{InspectedToken, Standing, Tenant};
use crate::error::{Error, ErrorCode};
use crate::model::id::SessionId;
use crate::token::refresh_token::PresentedToken;

/// How many well-formed refresh tokens of one request are looked at.
const TOKENS_MAX: usize = 16;

/// A well-formed refresh token in a cookie; possibly of another tenant or made up.
struct CookieToken<'a> {
    text: &'a str,
    presented: PresentedToken,
    /// Whether the cookie has the name that is set now, and not a former one.
    is_current: bool,
}

/// The refresh cookies of one request.
pub(super) struct CookieJar<'a> {
    cookie: &'a RefreshCookie,
    tokens: Vec<CookieToken<'a>>,
    /// How many cookies of the current name the request brought, whatever is in them.
    current_count: usize,
    /// How many it brought of the name of each former cookie.
    former_counts: Vec<usize>,
    /// Whether there were more tokens than are looked at.
    is_cut: bool,
}

/// The cookies that a request presents, after the store was asked about them.
pub(super) struct Presented<'a> {
    /// One token for each genuine session, the best first; the texts are those of the cookies.
    pub tokens: Vec<&'a str>,
    /// The session of the first of them, if its token is good.
    pub good_session: Option<SessionId>,
    /// Whether one of the cookies may be good at another time or for another tenant: then none is cleared.
    pub is_doubtful: bool,
}

impl<'a> CookieJar<'a> {
    /// Reads the cookies of a request.
    pub fn read(cookie: &'a RefreshCookie, parts: &'a Parts) -> Self {
        let former_counts = vec![0; cookie.former.len()];
        let mut jar =
            CookieJar { cookie, tokens: Vec::new(), current_count: 0, former_counts, is_cut: false };
        cookie_pairs(parts).for_each(|(name, value)| jar.add(name, value));
        jar
    }

    fn add(&mut self, name: &str, text: &'a str) {
        let is_current = name == self.cookie.current.name;
        let mut is_known = is_current;
        if text.is_empty() {
            return;
        }
        self.current_count += usize::from(is_current);
        for (former, count) in self.cookie.former.iter().zip(&mut self.former_counts) {
            *count += usize::from(name == former.name);
            is_known |= name == former.name;
        }
        let Some(presented) = PresentedToken::parse(text).filter(|_| is_known) else { return };
        if let Some(known) = self.tokens.iter_mut().find(|known| known.text == text) {
            known.is_current |= is_current;
        } else if self.tokens.len() == TOKENS_MAX {
            self.is_cut = true;
        } else {
            self.tokens.push(CookieToken { text, presented, is_current });
        }
    }

    /// Whether the request brought a cookie of the current or a former name.
    pub fn has_cookies(&self) -> bool {
        self.current_count > 0 || self.former_counts.iter().any(|count| *count > 0)
    }

    /// The only well-formed token, if there is one: it can be presented at once.
    pub fn sole_token(&self) -> Option<&'a str> {
        match &self.tokens[..] {
            [token] => Some(token.text),
            _ => None,
        }
    }

    /// Asks the store about the tokens, without an effect on any session.
    ///
    /// # Errors
    /// Errors of the store.
    pub fn inspect(&self, tenant: &Tenant) -> Result<Presented<'a>, Error> {
        let presented: Vec<PresentedToken> = self.tokens.iter().map(|token| token.presented).collect();
        let inspected =
            if presented.is_empty() { Vec::new() } else { tenant.inspect_refresh_tokens(&presented)? };
        let mut is_doubtful = self.is_cut;
        let mut found = Vec::new();
        for (token, inspected) in self.tokens.iter().zip(inspected) {
            is_doubtful |= inspected.as_ref().is_none_or(|inspected| !inspected.standing.is_dead());
            if let Some(InspectedToken { standing, session, created_at }) = inspected {
                let tier = if standing.is_good() { Standing::Live } else { standing };
                // The current name goes first, because no other host may be able to set it; then the newest sign-in.
                let order = (tier, !token.is_current, Reverse((created_at, session)), standing);
                found.push((order, session, token.text));
            }
        }
        found.sort_by_key(|(order, ..)| *order);
        let mut sessions = Vec::new();
        found.retain(|(_, session, _)| {
            let is_first = !sessions.contains(session);
            sessions.push(*session);
            is_first
        });
        let good = found.first().filter(|((tier, ..), ..)| tier.is_good());
        let good_session = good.map(|(_, session, _)| *session);
        Ok(Presented {
            good_session,
            tokens: found.into_iter().map(|(_, _, text)| text).collect(),
            is_doubtful,
        })
    }

    /// The `Set-Cookie` headers that clear former cookies: those that the host named, or those that the request brought.
    pub fn clear_former(&self) -> Vec<HeaderValue> {
        let former = self.cookie.former.iter().zip(&self.former_counts);
        let cleared = former.filter(|(key, count)| {
            // Of one name with the cookie itself, the first may be the cookie itself.
            let own = usize::from(key.name == self.cookie.current.name);
            self.cookie.clears_unseen || **count > own
        });
        cleared.filter_map(|(key, _)| self.cookie.clear(key)).collect()
    }

    /// The `Set-Cookie` headers that make the browser forget the cookie, that of the access token and former ones.
    pub fn clear_all(&self) -> Vec<HeaderValue> {
        let mut cleared: Vec<HeaderValue> = self.cookie.clear(&self.cookie.current).into_iter().collect();
        cleared.extend(self.cookie.clear_access());
        cleared.extend(self.clear_former());
        cleared
    }
}

/// Whether a refresh token that was refused with this error will never be good again.
pub(super) fn is_dead(error: &Error) -> bool {
    matches!(
        error.code(),
        ErrorCode::RefreshTokenReused | ErrorCode::SessionExpired | ErrorCode::SessionRevoked
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{CreateSession, Engine, Grant};
    use crate::rest::cookie_options::CookieOptions;

    fn tenant(engine: &Engine) -> Tenant {
        engine
            .tenant(&"tnt_acme".parse().unwrap(), &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse().unwrap())
            .unwrap()
    }

    fn sign_in(tenant: &Tenant) -> Grant {
        tenant.create(CreateSession::new("usr_1".parse().unwrap())).unwrap()
    }

    /// A request with cookies; `now` and `former` stand for their names.
    fn sent(cookies: &str) -> Parts {
        let cookies = cookies.replace("now=", "__Host-hj_refresh=").replace("former=", "hj_refresh_token=");
        http::Request::post("/").header("cookie", cookies).body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_token_without_others_is_presented_at_once() {
        let engine = Engine::open(":memory:").unwrap();
        let tenant = tenant(&engine);
        let [a, b] = [(); 2].map(|()| sign_in(&tenant).refresh_token);
        let (a, b) = (a.expose(), b.expose());
        let cookie = RefreshCookie::new(&CookieOptions::default(), "");
        for (cookies, has_cookies, sole) in [
            (String::new(), false, None),
            (format!("theme={a}; now=; former="), false, None),
            ("now=rt_x".into(), true, None),
            ("former=rt_x".into(), true, None),
            (format!("now={a}"), true, Some(a)),
            (format!("former={a}"), true, Some(a)),
            (format!("now=rt_x; now={a}; former=rt_x"), true, Some(a)),
            (format!("now={a}; former={a}; now={a}"), true, Some(a)),
            (format!("theme={b}; now={a}"), true, Some(a)),
            (format!("now={a}; now={b}"), true, None),
            (format!("now={a}; former={b}"), true, None),
        ] {
            let parts = sent(&cookies);
            let jar = CookieJar::read(&cookie, &parts);
            assert_eq!((jar.has_cookies(), jar.sole_token()), (has_cookies, sole), "{cookies}");
        }
    }

    #[test]
    fn of_several_good_tokens_the_current_name_and_then_the_newest_goes_first() {
        let engine = Engine::open(":memory:").unwrap();
        let tenant = tenant(&engine);
        let [old, new] = [(); 2].map(|()| sign_in(&tenant));
        let (a, b) = (old.refresh_token.expose(), new.refresh_token.expose());
        let cookie = RefreshCookie::new(&CookieOptions::default(), "");
        for (cookies, expected) in [
            (format!("now={a}; now={b}"), [b, a]),
            (format!("now={b}; now={a}"), [b, a]),
            (format!("former={b}; now={a}"), [a, b]),
            (format!("now={a}; former={b}"), [a, b]),
            // One that has both names has the current one, in whichever order they come.
            (format!("former={a}; now={a}; former={b}"), [a, b]),
            (format!("now={a}; former={a}; former={b}"), [a, b]),
        ] {
            let parts = sent(&cookies);
            let presented = CookieJar::read(&cookie, &parts).inspect(&tenant).unwrap();
            assert_eq!(presented.tokens, expected, "{cookies}");
            let good = if expected[0] == a { old.session.id } else { new.session.id };
            assert_eq!((presented.good_session, presented.is_doubtful), (Some(good), true), "{cookies}");
        }
    }

    /// A seventeenth token may be a good one.
    #[test]
    fn cookies_that_are_not_all_looked_at_are_doubtful() {
        let engine = Engine::open(":memory:").unwrap();
        let tenant = tenant(&engine);
        let cookie = RefreshCookie::new(&CookieOptions::default(), "");
        let ended: Vec<String> = (0..16)
            .map(|_| {
                let grant = sign_in(&tenant);
                tenant.revoke(grant.session.id).unwrap();
                format!("now={}", grant.refresh_token.expose())
            })
            .collect();
        let good = sign_in(&tenant);
        for (last, is_doubtful) in [
            ("now=rt_x", false),
            (ended[0].as_str(), false),
            (&format!("now={}", good.refresh_token.expose()), true),
        ] {
            let parts = sent(&format!("{}; {last}", ended.join("; ")));
            let presented = CookieJar::read(&cookie, &parts).inspect(&tenant).unwrap();
            assert_eq!((presented.tokens.len(), presented.is_doubtful), (16, is_doubtful), "{last}");
            assert_eq!(presented.good_session, None);
        }
    }
}
