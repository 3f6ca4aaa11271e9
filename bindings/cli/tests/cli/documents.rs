//! The consoles in docs/CLI.md and docs/RUNBOOK.md, run line by line: a line that begins with `$ ` is typed into a shell, what
//! follows is what it must show. Ids, times, tokens and sizes may be others.
//!
//! What users do meanwhile stands in comments, which readers do not see: `<!-- sign-in user=usr_ada as=SESSION -->` signs in
//! and gives the following commands `$SESSION`, `$SESSION_ACCESS` and `$SESSION_REFRESH`; `<!-- reuse token=SESSION -->` uses a
//! refresh token that was rotated long ago; `<!-- damage file=hellojohn.db -->` overwrites the beginning of a file; `<!-- fresh -->` begins with an empty folder;
//! `<!-- new-database as=NAME -->` names a database that is not there yet, on the server of HJ_PG if there is one. `HJ_UPDATE_DOCUMENTS=1` writes what the commands show into the documents.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hellojohn::{CreateSession, Engine, RefreshRequest, Tenant};

use crate::shell::{Shell, run};

/// The folder and the environment of one document's commands.
struct Console {
    shell: Shell,
}

impl Console {
    fn new() -> Self {
        let shell = Shell::empty();
        let bin = shell.folder().join(".bin");
        fs::create_dir(&bin).expect("a folder");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_hellojohn"), bin.join("hellojohn")).expect("a link");
        fs::write(shell.folder().join(".environment"), "").expect("a file");
        Console { shell }
    }

    /// What the line shows. Variables that it exports are there for the next line.
    fn run(&self, line: &str) -> String {
        let script = format!(". ./.environment\n{line}\nexport -p > .environment");
        let mut command = std::process::Command::new("sh");
        let path = format!("{}:/usr/bin:/bin", self.shell.folder().join(".bin").display());
        command.arg("-c").arg(format!("{{ {script}\n}} 2>&1"));
        command.current_dir(self.shell.folder()).env_clear().env("PATH", path);
        run(&mut command, "").output
    }

    /// The tenant, as a host has it open while users do something.
    fn open_host(&self) -> Tenant {
        let file = |name: &str| self.shell.folder().join(name);
        let key = fs::read_to_string(file("hellojohn.key")).expect("a key");
        let engine = Engine::open(file("hellojohn.db")).expect("a database");
        let key = key.trim().parse().expect("a key");
        engine.tenant(&"tnt_acme".parse().expect("an id"), &key).expect("a tenant")
    }

    fn export(&self, name: &str, value: &str) {
        let file = self.shell.folder().join(".environment");
        let known = fs::read_to_string(&file).expect("a file");
        fs::write(&file, format!("{known}\nexport {name}='{value}'\n")).expect("a file");
    }

    /// What the users of a comment do.
    fn act(&self, comment: &str) {
        let mut words = comment.split_whitespace();
        let action = words.next();
        let values: BTreeMap<&str, &str> = words.filter_map(|word| word.split_once('=')).collect();
        match action {
            Some("sign-in") => self.sign_in(&values),
            Some("reuse") => self.reuse(values["token"]),
            Some("damage") => self.damage(values["file"]),
            Some("fresh") => self.forget_files(),
            Some("new-database") => self.export(values["as"], &self.new_database()),
            other => panic!("{other:?} is no action"),
        }
    }

    fn sign_in(&self, values: &BTreeMap<&str, &str>) {
        let host = self.open_host();
        let times = values.get("times").map_or(1, |times| times.parse().expect("a number"));
        for _ in 0..times {
            let mut request = CreateSession::new(values["user"].parse().expect("an id"));
            request.client.ip_address = values.get("ip").map(|ip| ip.parse().expect("an address"));
            request.client.country = values.get("country").map(|country| country.parse().expect("a country"));
            let agent = values.get("agent").map(|agent| agent.replace('_', " "));
            request.client.user_agent = agent.map(|agent| agent.parse().expect("a user agent"));
            let grant = host.create(request).expect("a session");
            if let Some(name) = values.get("as") {
                self.export(name, &grant.session.id.to_string());
                self.export(&format!("{name}_ACCESS"), grant.access_token.expose());
                self.export(&format!("{name}_REFRESH"), grant.refresh_token.expose());
            }
        }
    }

    /// Another story begins.
    fn forget_files(&self) {
        for entry in fs::read_dir(self.shell.folder()).expect("a folder") {
            let path = entry.expect("a file").path();
            if path.is_file() {
                fs::remove_file(path).expect("a file");
            }
        }
        fs::write(self.shell.folder().join(".environment"), "").expect("a file");
    }

    /// A schema of its own on the server of HJ_PG; a file where there is no server.
    #[expect(clippy::disallowed_methods, reason = "a switch of the test, as the generated files have")]
    fn new_database(&self) -> String {
        match std::env::var("HJ_PG") {
            Ok(url) => format!(
                "{url}{}schema=hj_runbook_{}",
                if url.contains('?') { '&' } else { '?' },
                std::process::id()
            ),
            Err(_) => "moved.db".to_owned(),
        }
    }

    /// A disk loses the beginning of the file.
    fn damage(&self, name: &str) {
        let file = self.shell.folder().join(name);
        let mut bytes = fs::read(&file).expect("a database");
        bytes[..100].fill(0xff);
        fs::write(&file, bytes).expect("a database");
    }

    /// The device refreshes twice, then the first token comes again: from another device.
    fn reuse(&self, name: &str) {
        let first = self.run(&format!("printf %s \"${name}_REFRESH\""));
        let host = self.open_host();
        let second = host.refresh(&first, RefreshRequest::default()).expect("a grant");
        host.refresh(second.refresh_token.expose(), RefreshRequest::default()).expect("a grant");
        host.refresh(&first, RefreshRequest::default()).expect_err("a reuse");
    }
}

/// Runs the consoles of a document; the document with what they have shown.
fn replay(document: &str) -> String {
    let console = Console::new();
    let mut replayed = String::new();
    let mut lines = document.lines().peekable();
    let mut is_console = false;
    while let Some(line) = lines.next() {
        replayed.push_str(line);
        replayed.push('\n');
        if let Some(comment) = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")) {
            console.act(comment);
        } else if line.starts_with("```") {
            is_console = line == "```console";
        } else if let Some(typed) = line.strip_prefix("$ ").filter(|_| is_console) {
            let mut typed = typed.to_owned();
            while let Some(more) = lines.next_if(|next| next.starts_with("> ")) {
                replayed.push_str(more);
                replayed.push('\n');
                typed.push('\n');
                typed.push_str(&more[2..]);
            }
            let documented: Vec<&str> = std::iter::from_fn(|| {
                lines.next_if(|next| !next.starts_with("$ ") && !next.starts_with("```"))
            })
            .collect();
            let documented = documented.join("\n");
            let shown = console.run(&typed).trim_end().to_owned();
            // A document keeps its ids and times where nothing else has changed.
            let kept = if settle(&documented) == settle(&shown) { documented } else { shown };
            if !kept.is_empty() {
                replayed.push_str(&kept);
                replayed.push('\n');
            }
        }
    }
    replayed
}

/// The text with a word for everything that is another at each run, and one space for many.
fn settle(text: &str) -> String {
    let mut settled = String::new();
    for line in text.trim_end().lines() {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut rest = line.as_str();
        while !rest.is_empty() {
            let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
            let (run, after) = rest.split_at(end);
            let word = run.trim_end_matches(['.', ':']);
            settled.push_str(settle_word(word, after));
            settled.push_str(&run[word.len()..]);
            let other = after.chars().next().map_or(0, char::len_utf8);
            settled.push_str(&after[..other]);
            rest = &after[other..];
        }
        settled.push('\n');
    }
    settled
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.:-".contains(c)
}

fn settle_word<'a>(word: &'a str, after: &str) -> &'a str {
    let shape: String = word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    match word {
        _ if shape == "0000-00-00T00:00:00Z" => "TIME",
        _ if word.starts_with("127.0.0.1:") => "ADDRESS",
        _ if word.len() == 30 && word.starts_with("ses_") => "SESSION",
        _ if word.len() == 30 && word.starts_with("key_") => "KEY",
        _ if word.len() == 30 && word.starts_with("evt_") => "EVENT",
        _ if word.len() >= 32 && word.contains(|c: char| c.is_ascii_digit()) => "SECRET",
        _ if is_number && (word.len() >= 5 || after.starts_with(" bytes")) => "NUMBER",
        _ => word,
    }
}

fn document(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

fn require_as_documented(name: &str) {
    let documented = fs::read_to_string(document(name)).expect("a document");
    assert!(documented.matches("\n$ hellojohn ").count() > 5, "{name} shows no commands");
    let replayed = replay(&documented);
    #[expect(clippy::disallowed_methods, reason = "a switch of the test, as the generated files have")]
    let is_update = std::env::var("HJ_UPDATE_DOCUMENTS").is_ok();
    if is_update {
        fs::write(document(name), &replayed).expect("a document");
    } else if documented != replayed {
        let lines = documented.lines().zip(replayed.lines());
        let first = lines.enumerate().find(|(_, (documented, replayed))| documented != replayed);
        panic!("{name} shows something else than the commands (HJ_UPDATE_DOCUMENTS=1 writes it): {first:?}");
    }
}

#[test]
fn the_command_line_answers_as_its_document_shows() {
    require_as_documented("CLI.md");
}

#[test]
fn the_runbook_works_line_by_line() {
    require_as_documented("RUNBOOK.md");
}

/// What the help lists under "Commands", such as `sessions list`.
fn commands_of(shell: &Shell, above: &str) -> Vec<String> {
    let words: Vec<&str> = above.split_whitespace().chain(["--help"]).collect();
    let help = run(&mut shell.command(&words), "").output;
    let listed =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    names
        .flat_map(|name| {
            let command = format!("{above} {name}");
            let below = commands_of(shell, &command);
            if below.is_empty() { vec![command] } else { below }
        })
        .collect()
}

#[test]
fn the_documents_show_every_command() {
    let commands = commands_of(&Shell::empty(), "");
    assert!(commands.iter().any(|command| command == " sessions list"), "{commands:?}");
    let shown = ["CLI.md", "RUNBOOK.md"].map(|name| fs::read_to_string(document(name)).expect("a document"));
    for command in commands {
        let line = format!("hellojohn{command}");
        let is_shown = shown.iter().any(|document| {
            document.lines().filter(|typed| typed.starts_with("$ ")).any(|typed| typed.contains(&line))
        });
        assert!(is_shown, "no document runs `{line}`");
    }
}

#[test]
fn what_a_command_says_counts_and_what_is_random_does_not() {
    let shown = "ses_01M8HDXNZM2X2Q72BY3N61DD6W  usr_ada  2026-11-28T15:55:59Z (61440 bytes).";
    let other = "ses_01M8HDXNZM2X2Q72BY3N61DD6X usr_ada 2027-11-28T15:55:59Z (61441 bytes).";
    assert_eq!(settle(shown), "SESSION usr_ada TIME (NUMBER bytes).\n");
    assert_eq!(settle(shown), settle(other));
    assert_ne!(settle(shown), settle(&other.replace("usr_ada", "usr_bob")));
}
