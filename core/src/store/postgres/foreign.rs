//! Reading the tables of another program on a server.

use std::time::Duration;

use super::connection::Deadline;
use super::error::WireError;
use super::pool::Pool;
use super::url::PostgresUrl;
use super::value::{Statement, Value};
use crate::error::{ErrorCode, Failure};
use crate::json;
use crate::store::foreign_tables::{ForeignTables, RowVisitor};

/// How long the server may take to answer a question about its tables.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// How long a whole reading may take, with what the reader does between two rows.
const READING_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// How many rows one trip brings.
const FETCHED_ROWS: usize = 500;

pub(in crate::store) struct ForeignServer {
    pool: Pool,
}

impl ForeignServer {
    pub(in crate::store) fn open(url: PostgresUrl) -> Result<Self, Failure> {
        Ok(ForeignServer { pool: Pool::new(url)? })
    }
}

impl ForeignTables for ForeignServer {
    fn is_on_server(&self) -> bool {
        true
    }

    fn has_table(&self, name: &str) -> Result<bool, Failure> {
        // As SQL has it: each part in quotes.
        let quoted: Vec<String> = name.split('.').map(super::statements::quote_name).collect();
        let ask = Statement::new(
            &"SELECT to_regclass($1) IS NOT NULL".into(),
            vec![Value::Text(Some(quoted.join(".")))],
        );
        self.pool.with_alone(&Deadline::after(ANSWER_TIME), |connection| {
            let answers = connection.ask(vec![ask])?;
            let row = answers.first().and_then(|answer| answer.rows.first());
            row.ok_or_else(|| Failure::internal("the server did not say whether there is a table"))?.get(0)
        })
    }

    fn visit(&self, query: &str, visit: &mut RowVisitor<'_>) -> Result<(), Failure> {
        let declare = format!(
            "DECLARE rows_to_import NO SCROLL CURSOR FOR SELECT to_jsonb(r)::text FROM ({query}) AS r"
        );
        let fetch = format!("FETCH {FETCHED_ROWS} FROM rows_to_import").as_str().into();
        self.pool.with_alone(&Deadline::after(READING_TIME), |connection| {
            let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".into();
            connection.begin(&begin, Vec::new())?;
            connection.ask(vec![Statement::new(&declare.as_str().into(), Vec::new())]).map_err(foreign)?;
            loop {
                let answers = connection.ask(vec![Statement::new(&fetch, Vec::new())]).map_err(foreign)?;
                let rows = answers.into_iter().next().map_or_else(Vec::new, |answer| answer.rows);
                for row in &rows {
                    let text: &str = row.get(0)?;
                    let object = json::parse_object(text.as_bytes())
                        .ok_or_else(|| Failure::internal("the server sent a row that is no JSON object"))?;
                    if visit(object).is_break() {
                        return Ok(());
                    }
                }
                if rows.len() < FETCHED_ROWS {
                    return Ok(());
                }
            }
        })
    }
}

impl Drop for ForeignServer {
    fn drop(&mut self) {
        self.pool.close();
    }
}

/// The tables are not ours: what the server says about them says more than the engine's own words.
fn foreign(error: WireError) -> Failure {
    match error {
        WireError::Refused(cause) => {
            let detail = format!("the source refused to be read: {cause}");
            Failure::new(ErrorCode::StorageIo, detail).caused_by(cause)
        }
        other => other.into(),
    }
}
