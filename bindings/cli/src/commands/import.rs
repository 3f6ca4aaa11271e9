//! `import`: takes over the sessions of another system.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::thread;

use clap::Args;
use hellojohn::{Error, ForeignDatabase, ImportReport, ImportRequest, Tenant};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::answer::{Answer, count, table};
use crate::context::Context;
use crate::exit_code::REFUSED;
use crate::failure::CommandFailure;
use crate::import::peers::{Details, Format};
use crate::import::pipe::{RowReader, RowSender, pipe};
use crate::import::row::{CookieSecret, Found};

#[derive(Debug, Args)]
#[command(after_help = "\
Clients exchange what they hold for tokens of a session: docs/IMPORT.md has the steps for each system.

  hellojohn import --from better-auth --source auth.db --cookie-secret-file secret --dry-run")]
pub(crate) struct ImportArguments {
    /// What the source is
    #[arg(long, value_enum, value_name = "SYSTEM", default_value = "jsonl")]
    from: Format,

    /// The file of rows (- for the standard input), or the database of the system: a file of SQLite or postgres://user@host/name
    #[arg(long, value_name = "FILE|URL")]
    source: OsString,

    /// A file with the secret under which the system signs its cookies (better-auth, express-session). Without it clients have to
    /// present what stands in the table
    #[arg(long, value_name = "FILE")]
    cookie_secret_file: Option<PathBuf>,

    /// The table of the sessions, where it has another name
    #[arg(long, value_name = "NAME")]
    table: Option<String>,

    /// Where in a session of express-session the user's id stands, such as passport.user or account.id
    #[arg(long, value_name = "PATH")]
    user_at: Option<String>,

    /// Report what an import would do, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Fail at the first bad row instead of skipping it
    #[arg(long)]
    stop_at_bad_row: bool,
}

/// What an import has come to.
#[derive(Default)]
struct Outcome {
    report: ImportReport,
    /// Sessions of visitors who have not signed in.
    anonymous: u64,
}

impl ImportArguments {
    pub fn run(&self, context: &mut Context<'_>) -> Result<Answer, CommandFailure> {
        let details = Details {
            table: self.table.clone(),
            user_at: self.user_at.clone(),
            cookie_secret: self.cookie_secret_file.as_ref().map(read_secret).transpose()?,
        };
        self.from.require_fitting(&details)?;
        let tenant = context.open_tenant()?;
        let target = match context.streams.shows_progress {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(None, target);
        let outcome = match self.from {
            Format::Jsonl => self.import_lines(context, &tenant, &bar),
            _ => self.import_tables(&tenant, &details, &bar),
        };
        bar.finish_and_clear();
        Ok(self.answer(&outcome?))
    }

    fn request(&self) -> ImportRequest {
        ImportRequest::default().dry_run(self.dry_run).stop_at_bad_row(self.stop_at_bad_row)
    }

    fn import_lines(
        &self,
        context: &mut Context<'_>,
        tenant: &Tenant,
        bar: &ProgressBar,
    ) -> Result<Outcome, CommandFailure> {
        let source: Box<dyn BufRead + '_> = if self.source == "-" {
            Box::new(BufReader::new(&mut context.streams.input))
        } else {
            let name = self.source.display();
            let file = File::open(&self.source)
                .map_err(|error| CommandFailure::io(format!("the source {name} cannot be opened"), &error))?;
            let length = file.metadata().map_or(0, |metadata| metadata.len());
            show(bar, "{wide_bar} {bytes} of {total_bytes}, {eta} left", length);
            Box::new(BufReader::new(bar.wrap_read(file)))
        };
        let report = tenant.import(source, &self.request(), |_| {})?;
        Ok(Outcome { report, anonymous: 0 })
    }

    fn import_tables(
        &self,
        tenant: &Tenant,
        details: &Details,
        bar: &ProgressBar,
    ) -> Result<Outcome, CommandFailure> {
        let source = ForeignDatabase::open(&self.source)?;
        let query = self.from.query(&source, details)?;
        show(bar, "{wide_bar} {human_pos} of {human_len} sessions, {eta} left", count_rows(&source, &query)?);
        let (sender, rows) = pipe();
        let format = self.from;
        let (imported, read) = thread::scope(|scope| {
            let reading = scope.spawn(move || send_rows(&source, &query, format, details, &sender));
            let imported = import_rows(tenant, rows, &self.request(), bar);
            // The rows are dropped: the reading ends.
            (imported, reading.join())
        });
        // What went wrong with the source says more than what the import made of it.
        let anonymous = match read {
            Ok(read) => read?,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        Ok(Outcome { report: imported?, anonymous })
    }

    fn answer(&self, outcome: &Outcome) -> Answer {
        let Outcome { report, anonymous } = outcome;
        let mut json = serde_json::to_value(report).unwrap_or_default();
        json["anonymous"] = (*anonymous).into();
        json["dry_run"] = self.dry_run.into();
        let lines = [
            (report.imported, if self.dry_run { "would be imported" } else { "imported" }),
            (report.already_imported, "imported before"),
            (report.expired, "had ended in the old system"),
            (report.over_limits, "over this tenant's session_duration or idle_timeout"),
            (*anonymous, "without a user"),
            (report.bad_rows, "not good"),
        ];
        let lines = lines.into_iter().filter(|(number, what)| *number > 0 || what.ends_with("imported"));
        let rows = lines.map(|(number, what)| vec![number.to_string(), what.to_owned()]);
        let mut people = table(&[], rows);
        if !report.problems.is_empty() {
            let row = |problem: &hellojohn::ImportProblem| {
                vec![problem.line.to_string(), crate::answer::text(&Value::from(&*problem.detail))]
            };
            let problems = table(&["LINE", "PROBLEM"], report.problems.iter().map(row));
            people = format!("{people}\n\n{}:\n\n{problems}", count(report.bad_rows, "bad row"));
        }
        let exit_code = if report.bad_rows > 0 { REFUSED } else { 0 };
        Answer { exit_code, ..Answer::new(json, people) }
    }
}

fn import_rows(
    tenant: &Tenant,
    rows: RowReader,
    request: &ImportRequest,
    bar: &ProgressBar,
) -> Result<ImportReport, Error> {
    tenant.import(rows, request, |so_far| bar.set_position(so_far.rows))
}

/// Reads the source to its end, or until the import has ended; how many sessions have no user.
fn send_rows(
    source: &ForeignDatabase,
    query: &str,
    format: Format,
    details: &Details,
    sender: &RowSender,
) -> Result<u64, Error> {
    let mut anonymous = 0;
    source.visit(query, &mut |row| match format.read(&row, details) {
        Found::Anonymous => {
            anonymous += 1;
            ControlFlow::Continue(())
        }
        Found::Session(members) => {
            let mut line = Zeroizing::new(Value::Object(members).to_string().into_bytes());
            line.push(b'\n');
            match sender.send(line) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        }
    })?;
    Ok(anonymous)
}

fn count_rows(source: &ForeignDatabase, query: &str) -> Result<u64, Error> {
    let mut total = 0;
    source.visit(&format!("SELECT count(*) AS total FROM ({query}) q"), &mut |row| {
        total = row.get("total").and_then(Value::as_u64).unwrap_or_default();
        ControlFlow::Break(())
    })?;
    Ok(total)
}

fn show(bar: &ProgressBar, template: &str, length: u64) {
    bar.set_length(length);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}

fn read_secret(path: &PathBuf) -> Result<CookieSecret, CommandFailure> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
        CommandFailure::io(format!("the secret in {} cannot be read", path.display()), &error)
    })?;
    // An editor may have put an end of line behind it.
    let secret = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
    if secret.is_empty() {
        return Err(CommandFailure::usage(
            format!("the secret in {} is empty", path.display()),
            "put the secret of the old system into the file",
        ));
    }
    Ok(CookieSecret::new(secret))
}
