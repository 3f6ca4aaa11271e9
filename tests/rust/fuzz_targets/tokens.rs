//! What clients present: tokens, cursors, plans.

use hellojohn::{
    Cursor, ErrorCode, Limit, ListQuery, LocalVerification, RefreshRequest, RevokePlan, RevokeWhere,
    SessionFilter, SessionId, SignOutScope, session_of_refresh_token,
};

use super::edit::presented;
use super::world::{World, sign_in};
use crate::fixture::{code, user};

/// No text but a genuine access token is accepted, by no way to verify.
pub(super) fn access_token(data: &[u8]) {
    thread_local! {
        static WORLD: World = World::new();
    }
    WORLD.with(|world| {
        let genuine = [world.grant.access_token.expose(), world.foreign.access_token.expose()];
        let text = presented(&genuine, data);
        let is_ours = text == genuine[0];
        let local = world.tenant.verify_locally(&text, &LocalVerification::default());
        assert_eq!(local.is_ok(), is_ours, "{text}");
        assert_eq!(world.tenant.verify_access_token(&text).is_ok(), is_ours, "{text}");
        if !is_ours {
            let refused = code(world.tenant.sign_out(&text, SignOutScope::Local));
            assert!(refused.is_some() || !text.contains('.'), "{text}");
        }
        assert_eq!(
            text.parse::<SessionId>().is_ok(),
            text.parse::<SessionId>().is_ok_and(|id| id.to_string() == text)
        );
        assert!(world.is_whole());
    });
}

/// No text but a genuine refresh token does anything: a guess can never end a session.
pub(super) fn refresh_token(data: &[u8]) {
    thread_local! {
        static WORLD: World = World::new();
    }
    WORLD.with(|world| {
        let genuine = [world.grant.refresh_token.expose(), world.foreign.refresh_token.expose()];
        let text = presented(&genuine, data);
        if text == genuine[0] {
            return;
        }
        let read = session_of_refresh_token(&text);
        let refused = code(world.tenant.refresh(&text, RefreshRequest::default()));
        let expected = if text.is_empty() { ErrorCode::MissingToken } else { ErrorCode::RefreshTokenInvalid };
        assert!(
            refused == Some(expected) || refused == Some(ErrorCode::RefreshTokenInvalid),
            "{refused:?} {text}"
        );
        assert!(code(world.tenant.sign_out(&text, SignOutScope::Global)).is_some(), "{text}");
        assert!(code(world.tenant.adopt(&text, RefreshRequest::default())).is_some(), "{text}");
        assert!(read.is_none() || text.starts_with("rt_"), "{text}");
        assert!(world.is_whole());
    });
}

/// A cursor and a plan work only as they were given out, and only for what they were given out for.
pub(super) fn cursor(data: &[u8]) {
    thread_local! {
        static WORLD: (World, Cursor, RevokePlan) = {
            let world = World::new();
            sign_in(&world.tenant);
            let query = ListQuery::default().limit(Limit::new(1).expect("a limit"));
            let cursor = world.tenant.list(&query).expect("a page").next_cursor.expect("another page");
            let filter = SessionFilter::of_user(user("usr_1"));
            let plan = world.tenant.preview_revoke_where(&filter).expect("a preview").plan;
            (world, cursor, plan)
        };
    }
    WORLD.with(|(world, cursor, plan)| {
        let text = presented(&[&cursor.to_string(), &plan.to_string()], data);
        if let Ok(read) = text.parse::<Cursor>() {
            assert_eq!(read.to_string(), text, "two texts of one cursor");
            let mut query = ListQuery::default().limit(Limit::new(1).expect("a limit"));
            query.cursor = Some(read.clone());
            assert_eq!(world.tenant.list(&query).is_ok(), read == *cursor, "{text}");
            assert_eq!(code(world.other.list(&query)), Some(ErrorCode::ValidationError), "{text}");
        }
        if let Ok(read) = text.parse::<RevokePlan>() {
            assert_eq!(read.to_string(), text, "two texts of one plan");
            if read != *plan {
                let filter = SessionFilter::of_user(user("usr_1"));
                let request = RevokeWhere::new(filter).plan(Some(read));
                assert_eq!(
                    code(world.tenant.revoke_where(request)),
                    Some(ErrorCode::ValidationError),
                    "{text}"
                );
            }
        }
        assert!(world.is_whole());
    });
}
