//! Whether a file is a database of ours and of this release, and the migrations that bring an older one up to date.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::map_error;
use super::{connection, left_log, schema_check};
use crate::error::{ErrorCode, Failure};
use crate::store::contract::StoreOptions;

/// Marks our files ("hejo").
const APPLICATION_ID: i32 = 0x6865_6a6f;

/// One migration a version; the array's length is the version of this release.
pub(in crate::store) const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_create_tables.sql"),
    include_str!("migrations/0002_add_bulk_ends.sql"),
    include_str!("migrations/0003_count_failed_sign_ins.sql"),
    include_str!("migrations/0004_add_identity_serial.sql"),
    include_str!("migrations/0005_add_events.sql"),
    include_str!("migrations/0006_add_bulk_end_filter.sql"),
    include_str!("migrations/0007_add_revocations.sql"),
    include_str!("migrations/0008_add_factors.sql"),
    include_str!("migrations/0009_add_imports.sql"),
    include_str!("migrations/0010_add_actors.sql"),
];

/// Refuses a foreign, changed or newer file before anything is written to it.
pub(super) fn migrate(connection: &Connection, options: &StoreOptions) -> Result<(), Failure> {
    // Closing it after a failure must not move a log of which a part may be missing on the disk.
    connection::leave_log(connection);
    let found = inspect_schema(connection)?;
    connection::use_write_ahead_log(connection, options)?;
    left_log::finish_checkpoint(connection, options)?;
    connection::take_log(connection);
    for version in found.unwrap_or(0)..MIGRATIONS.len() {
        apply_migration(connection, version)?;
    }
    Ok(())
}

/// The version of one of our files whose schema is that version's. One transaction, because another process may be
/// migrating the file.
fn inspect_schema(connection: &Connection) -> Result<Option<usize>, Failure> {
    let map = |error| map_error(connection, &error);
    let tx = Transaction::new_unchecked(connection, TransactionBehavior::Deferred).map_err(map)?;
    let found = inspect(connection)?;
    if let Some(version) = found
        && !(version == MIGRATIONS.len() && schema_check::is_current(connection)?)
    {
        schema_check::compare(connection, &MIGRATIONS[..version], |object, difference| {
            Err(Failure::new(
                ErrorCode::StorageCorrupt,
                format!("another program has changed the database: its {object} {difference}"),
            ))
        })?;
    }
    tx.commit().map_err(map)?;
    Ok(found)
}

/// The version of one of our files, nothing for a file that is still empty.
pub(super) fn inspect(connection: &Connection) -> Result<Option<usize>, Failure> {
    let number = |pragma: &str| {
        connection
            .pragma_query_value(None, pragma, |row| row.get::<_, i32>(0))
            .map_err(|error| map_error(connection, &error))
    };
    let (application, version) = (number("application_id")?, number("user_version")?);
    if application == 0 && version == 0 && number("schema_version")? == 0 {
        return Ok(None);
    }
    if application != APPLICATION_ID {
        return Err(Failure::new(ErrorCode::StorageCorrupt, "the file is a database of another application"));
    }
    match usize::try_from(version) {
        Ok(version) if version <= MIGRATIONS.len() => Ok(Some(version)),
        _ => Err(Failure::new(ErrorCode::StorageTooNew, "the database was written by a newer release")),
    }
}

fn apply_migration(connection: &Connection, version: usize) -> Result<(), Failure> {
    let map = |error| map_error(connection, &error);
    let tx = Transaction::new_unchecked(connection, TransactionBehavior::Immediate).map_err(map)?;
    // Another process may have applied it while this one waited for the lock.
    if inspect(connection)?.unwrap_or(0) == version {
        connection.execute_batch(MIGRATIONS[version]).map_err(map)?;
        connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(map)?;
        connection.pragma_update(None, "user_version", version as i64 + 1).map_err(map)?;
    }
    tx.commit().map_err(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_the_first_release_opens_with_its_sessions() {
        let connection = Connection::open_in_memory().unwrap();
        apply_migration(&connection, 0).unwrap();
        let insert = "
            INSERT INTO tenants VALUES (7, 'tnt', 1, 5, zeroblob(16), x'01', '30d', '1h', NULL, NULL, '10s', 0);
            INSERT INTO sessions VALUES
                (7, zeroblob(16), 'u', 5, 5, 9, NULL, NULL, 1, 0, zeroblob(16), 1, 5, 6, 1, 'unknown',
                 NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL);";
        connection.execute_batch(insert).unwrap();
        let options = StoreOptions::relaxed(std::time::Duration::ZERO);
        migrate(&connection, &options).unwrap();
        assert_eq!(inspect(&connection).unwrap(), Some(MIGRATIONS.len()));
        let judged_by = "SELECT judged_by FROM sessions WHERE tenant_no = 7 AND user_id = 'u'";
        assert_eq!(connection.query_row(judged_by, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
        assert_eq!(
            connection.query_row("SELECT count(*) FROM bulk_ends", [], |row| row.get::<_, i64>(0)).unwrap(),
            0
        );
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "how a developer asks for a new dump")]
    fn the_committed_schema_is_what_the_migrations_build() {
        let connection = Connection::open_in_memory().unwrap();
        let options = StoreOptions::relaxed(std::time::Duration::ZERO);
        migrate(&connection, &options).unwrap();
        let texts = schema_check::texts(&connection).unwrap();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/sqlite/schema.sql");
        if std::env::var_os("HJ_UPDATE_SCHEMA").is_some() {
            std::fs::write(path, &texts).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), texts, "HJ_UPDATE_SCHEMA=1 rewrites schema.sql");
    }
}
