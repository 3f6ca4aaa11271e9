//! `completions` and `man`, written from the declarations of the commands.

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde_json::json;

use crate::answer::Answer;
use crate::failure::CommandFailure;

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell
    shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// The command whose page to print, such as `sessions list`; without it the page of hellojohn
    command: Vec<String>,
}

impl CompletionsArguments {
    pub fn run<C: CommandFactory>(&self) -> Result<Answer, CommandFailure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut C::command(), "hellojohn", &mut script);
        let script = String::from_utf8_lossy(&script).trim_end().to_owned();
        Ok(Answer::new(json!({ "shell": self.shell.to_string(), "script": script }), script))
    }
}

impl ManArguments {
    pub fn run<C: CommandFactory>(&self) -> Result<Answer, CommandFailure> {
        let mut command = C::command();
        command.build();
        for name in &self.command {
            let found = command.find_subcommand(name).cloned();
            command = found.ok_or_else(|| {
                CommandFailure::usage(
                    format!("there is no command {name}"),
                    "`hellojohn help` lists the commands",
                )
            })?;
        }
        let mut page = Vec::new();
        clap_mangen::Man::new(command)
            .render(&mut page)
            .map_err(|cause| CommandFailure::io("the manual page cannot be written", &cause))?;
        let page = String::from_utf8_lossy(&page).trim_end().to_owned();
        Ok(Answer::new(json!({ "page": page }), page))
    }
}
