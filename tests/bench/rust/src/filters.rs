//! P14: how long other calls wait while an operator looks for sessions by one filter after another, and ends what was found.

use std::path::Path;

use hellojohn::{
    Clock, Durability, Identity, ListQuery, RevokeWhere, SessionFilter, StatusFilter, SystemClock, Tenant,
};
use serde_json::{Value, json};

use crate::crowd::{OTHERS, timed, wait_beside};
use crate::ours::{self, SignIns, build};
use crate::{Fallible, Mode, Row, grouped};

const COUNTRIES: [&str; 10] = ["ES", "PT", "FR", "DE", "IT", "GB", "US", "BR", "MX", "AR"];

/// How long each of an operator's calls took, in seconds, and how many sessions it found and ended.
struct Search {
    list: f64,
    count: f64,
    preview: f64,
    end: f64,
    sweep: f64,
    ended: u64,
}

pub fn rows(mode: &Mode, folder: &Path) -> Fallible<()> {
    let path = folder.join("filters.db");
    let sign_ins = SignIns::new();
    let building = ours::open(&path, Durability::Normal)?;
    let tenant = ours::tenant(&building, "tnt_large")?;
    let began = SystemClock.now().as_millis();
    build(&tenant, mode.crowd, mode.crowd, |n| {
        let mut sign_in = sign_ins.nth(n)?;
        sign_in.client.country = Some(COUNTRIES[n % COUNTRIES.len()].parse()?);
        let organisation = format!("org_{}", n % 13).parse()?;
        let role = if n.is_multiple_of(7) { "admin" } else { "member" }.parse()?;
        sign_in.identity =
            Identity::default().org_id(Some(organisation)).role(Some(role)).mfa_verified(n.is_multiple_of(3));
        Ok(sign_in)
    })?;
    let took = SystemClock.now().as_millis() - began;
    let others = build(&ours::tenant(&building, "tnt_others")?, OTHERS, 1, |n| sign_ins.nth(n))?;
    building.close()?;
    ours::settle(&path, "tnt_others", &others)?;

    let engine = ours::open(&path, Durability::Full)?;
    let size = grouped(mode.crowd);
    let part = |tenth: i64| began + took * tenth / 10;
    let filters = [
        json!({ "user_id": "usr_7" }),
        json!({ "country": "AR" }),
        json!({ "not_country": &COUNTRIES[..8] }),
        json!({ "ip_address": "203.0.113.0/28" }),
        json!({ "device_type": "tablet" }),
        json!({ "user_agent": "firefox" }),
        json!({ "org_id": "org_3" }),
        json!({ "role": "admin" }),
        json!({ "created_after": part(9) }),
        json!({ "created_before": part(1) }),
        json!({ "last_active_after": part(8) }),
        json!({ "last_active_before": part(2) }),
        json!({ "mfa_verified": true }),
        json!({ "not_ip_address": "203.0.113.0/25" }),
    ];
    for filter in filters {
        let Value::Object(members) = filter else { return Err("a filter is an object".into()) };
        let name = members.keys().next().cloned().unwrap_or_default();
        let filter = SessionFilter::from_json(members)?;
        let (p99, found) = wait_beside(&engine, &others, &|tenant| search(tenant, &filter))?;
        let Search { list, count, preview, end, sweep, ended } = found;
        let ended = grouped(usize::try_from(ended)?);
        let work = format!(
            "Rust `refresh` (durable) and `get` of others, p99 during an incident at {size} sessions: list by `{name}` {list:.2} s, \
             `count` {count:.2} s, preview {preview:.2} s, `revoke_where` of {ended} {end:.2} s, and the sweep {sweep:.1} s"
        );
        Row::value("P14", work, p99).print()?;
    }
    let ended = SessionFilter::default().status(Some(StatusFilter::Revoked));
    let (p99, seconds) = wait_beside(&engine, &others, &|tenant| {
        Ok(timed(|| list(tenant, &ended))?.0 + timed(|| Ok(tenant.count(&ended)?))?.0)
    })?;
    let work = format!(
        "Rust `refresh` (durable) and `get` of others, p99 during list and `count` by `status` at {size} sessions, which took {seconds:.1} s"
    );
    Row::value("P14", work, p99).print()?;
    engine.close()?;
    Ok(())
}

/// What the operator does: looks, counts, asks what would end, ends that, and stamps it.
fn search(tenant: &Tenant, filter: &SessionFilter) -> Fallible<Search> {
    let (list, ()) = timed(|| list(tenant, filter))?;
    let (count, counted) = timed(|| Ok(tenant.count(filter)?))?;
    let (preview, previewed) = timed(|| Ok(tenant.preview_revoke_where(filter)?))?;
    let request = RevokeWhere::new(filter.clone()).plan(Some(previewed.plan));
    let (end, ended) = timed(|| Ok(tenant.revoke_where(request)?))?;
    let (sweep, _) = timed(|| Ok(tenant.sweep()?))?;
    if counted == 0 || (counted, previewed.count) != (ended, ended) || tenant.count(filter)? != 0 {
        return Err(format!("{counted} were counted, {} previewed, {ended} ended", previewed.count).into());
    }
    Ok(Search { list, count, preview, end, sweep, ended })
}

/// As many pages as show 100 sessions, or all of them.
fn list(tenant: &Tenant, filter: &SessionFilter) -> Fallible<()> {
    let mut query = ListQuery::default().filter(filter.clone());
    let mut shown = 0;
    loop {
        let page = tenant.list(&query)?;
        shown += page.data.len();
        query.cursor = page.next_cursor;
        if query.cursor.is_none() || shown >= 100 {
            return Ok(());
        }
    }
}
