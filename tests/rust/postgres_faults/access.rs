//! Ways to the server, by the whole engine: a role with few rights, PgBouncer in transaction mode, TLS, and options that are about
//! files.

use std::process::Command;

use hellojohn::{
    CreateSession, Engine, ErrorCode, EventQuery, FileAccess, IdentityPatch, ListQuery, PurgeBefore,
    RefreshRequest, RevokeWhere, SessionFilter, Status, Tenant,
};
use hellojohn_tests::fixture::{code, configure, refresh, sign_in, tenant, user};
use hellojohn_tests::postgres::Schema;

use crate::load::work_during;

/// A variable that the script sets.
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is set: tests/postgres/run cargo test …"))
}

/// A name for a schema of a test's own.
fn schema() -> String {
    let url = Schema::of_folder(tempfile::tempdir().expect("a folder").path()).expect("HJ_PG is set").url();
    url.split_once("schema=").expect("the URL names its schema").1.to_owned()
}

/// Runs statements as the role of a URL.
fn run_sql(url: &str, sql: &str) {
    let output = Command::new("psql").args([url, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", sql]).output();
    let output = output.expect("psql runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Calls every operation that changes a row of any table.
fn use_everything(engine: &Engine) {
    let tenant: Tenant = tenant(engine, "tnt_everything");
    configure(&tenant, r#"{"event_retention": "1d", "max_sessions_per_user": 2, "record_retention": "1s"}"#);
    let [_, second, third] = [(); 3].map(|()| sign_in(&tenant, "usr_1"));
    let second = refresh(&tenant, second.refresh_token.expose()).expect("a live token");
    tenant.verify_access_token(second.access_token.expose()).expect("a live session");
    tenant.update(second.session.id, IdentityPatch::default()).expect("a live session");
    tenant.revoke(third.session.id).expect("a session");
    let attempt = tenant.begin_sign_in("usr_1", None).expect("below the limit");
    assert_eq!(attempt.fail().code(), ErrorCode::InvalidCredentials);
    let attempt = tenant.begin_sign_in("usr_1", None).expect("below the limit");
    attempt.succeed(CreateSession::new(user("usr_1"))).expect("a session");
    tenant.rotate_keys().expect("new keys");
    tenant.rotate_refresh_key().expect("a new key");
    assert!(!tenant.events(&EventQuery::default()).expect("events").data.is_empty());
    assert_eq!(tenant.list(&ListQuery::default()).expect("a page").data.len(), 2);
    assert_eq!(
        tenant.revoke_where(RevokeWhere::new(SessionFilter::of_user(user("usr_1")))).expect("revoked"),
        2
    );
    tenant.sweep().expect("a sweep");
    tenant.purge(PurgeBefore::OlderThan("1s".parse().expect("a duration"))).expect("a purge");
    engine.lower_clock_mark().expect("a lower mark");
    tenant.revoke_tenant().expect("none is left");
    tenant.stats().expect("numbers");
}

#[test]
fn a_role_that_may_only_change_rows_can_do_everything_on_tables_that_are_there() {
    let (owner, app, schema) = (variable("HJ_PG"), variable("HJ_PG_APP"), schema());
    let [owner_url, app_url] = [&owner, &app].map(|url| format!("{url}?schema={schema}"));
    // Nothing is there yet, and this role may make nothing.
    assert_eq!(code(Engine::open(&app_url)), Some(ErrorCode::StorageReadOnly));
    Engine::open(&owner_url).expect("the owner makes the tables");
    assert_eq!(code(Engine::open(&app_url)), Some(ErrorCode::StorageReadOnly));
    // As docs/POSTGRES.md has them.
    run_sql(
        &owner,
        &format!(
            "GRANT USAGE ON SCHEMA {schema} TO hj_app;
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO hj_app;
             ALTER DEFAULT PRIVILEGES FOR ROLE hj_owner IN SCHEMA {schema}
               GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO hj_app"
        ),
    );
    let engine = Engine::open(&app_url).expect("the tables are there");
    use_everything(&engine);
    // The role has no other right.
    let output =
        Command::new("psql").args([&app, "-qAtXc", &format!("CREATE TABLE {schema}.more (x int)")]).output();
    assert!(String::from_utf8_lossy(&output.expect("psql runs").stderr).contains("permission denied"));
}

#[test]
fn a_role_without_a_right_that_it_needs_is_told_so_and_changes_nothing() {
    let (owner, app, schema) = (variable("HJ_PG"), variable("HJ_PG_APP"), schema());
    let [owner_url, app_url] = [&owner, &app].map(|url| format!("{url}?schema={schema}"));
    let owner_engine = Engine::open(&owner_url).expect("the owner makes the tables");
    let grant = sign_in(&tenant(&owner_engine, "tnt"), "usr_1");
    run_sql(
        &owner,
        &format!(
            "GRANT USAGE ON SCHEMA {schema} TO hj_app;
             GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO hj_app;
             GRANT INSERT, UPDATE, DELETE ON {schema}.writers, {schema}.clock_mark TO hj_app"
        ),
    );
    let engine = Engine::open(&app_url).expect("it may look");
    let tenant = tenant(&engine, "tnt");
    assert_eq!(code(tenant.create(CreateSession::new(user("usr_1")))), Some(ErrorCode::StorageReadOnly));
    assert_eq!(
        code(tenant.refresh(grant.refresh_token.expose(), RefreshRequest::default())),
        Some(ErrorCode::StorageReadOnly)
    );
    assert_eq!(tenant.get(grant.session.id).expect("a session").status, Status::Active);
    assert_eq!(tenant.list(&ListQuery::default()).expect("a page").data.len(), 1);
}

#[test]
fn pgbouncer_in_transaction_mode_loses_nothing_and_takes_every_operation() {
    let (direct, pooled, schema) = (variable("HJ_PG"), variable("HJ_PG_BOUNCER"), schema());
    let [direct, pooled] = [format!("{direct}?schema={schema}"), format!("{pooled}&schema={schema}")];
    use_everything(&Engine::open(&pooled).expect("PgBouncer passes the login on"));
    // Eight threads share connections of the server with whatever else PgBouncer serves.
    work_during(&pooled, &direct, |run| run.wait_for_calls(1_500));
}

#[test]
fn every_connection_of_an_engine_is_encrypted_checked_and_bound_to_its_password() {
    let schema = schema();
    let (login, rest) =
        variable("HJ_PG").split_once('@').map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a login");
    let (_, rest) = rest.split_once(':').expect("a port");
    let certificates = format!("{}/certificates", variable("HJ_PG_DIR"));
    let url = |root: &str, host: &str| {
        format!(
            "{login}@{host}:{rest}?schema={schema}&sslmode=verify-full&channel_binding=require\
             &sslrootcert={certificates}/{root}&application_name={schema}"
        )
    };
    let good = url("root.pem", "localhost");
    let engine = Engine::open(&good).expect("the certificate is good");
    use_everything(&engine);
    let how = format!(
        "SELECT string_agg(DISTINCT concat(s.ssl, ' ', s.version), ',') FROM pg_stat_ssl s \
         JOIN pg_stat_activity a USING (pid) WHERE a.application_name = '{schema}'"
    );
    let output =
        Command::new("psql").args([&variable("HJ_PG_SUPER"), "-qAtXc", &how]).output().expect("psql runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "t TLSv1.3");
    work_during(&good, &good, |run| run.wait_for_calls(500));
    // A root that has not signed it, and a name that it does not have.
    for bad in [url("other.pem", "localhost"), url("root.pem", "127.0.0.1")] {
        let error = Engine::open(&bad).expect_err("a certificate that is not good");
        assert_eq!(error.code(), ErrorCode::StorageIo, "{error}");
        assert!(error.detail().contains("certificate") && !error.detail().contains("secret"), "{error}");
    }
}

#[test]
fn options_about_files_are_refused_with_a_url_before_a_server_is_asked() {
    // Nothing listens there: the answer would be another one.
    let url = "postgres://user:hunter2@127.0.0.1:1/x";
    for (builder, option) in [
        (Engine::builder().file_access(FileAccess::Group), "file_access"),
        (Engine::builder().allow_network_file_system(true), "allow_network_file_system"),
    ] {
        let error = builder.open(url).expect_err("an option about files");
        assert_eq!(error.code(), ErrorCode::ValidationError);
        assert!(error.detail().contains(option) && !error.detail().contains("hunter2"), "{error}");
    }
    for refused in [
        hellojohn::check_database(url).map(drop),
        hellojohn::backup_database(url, "x.db", |_| {}),
        hellojohn::backup_database("x.db", url, |_| {}),
        hellojohn::restore_database(url, "x.db", hellojohn::RestorePolicy::Keep),
        hellojohn::restore_database("x.db", url, hellojohn::RestorePolicy::Keep),
    ] {
        assert_eq!(code(refused), Some(ErrorCode::ValidationError));
    }
}
