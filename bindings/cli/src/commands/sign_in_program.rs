//! The program that checks credentials for `serve`.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use hellojohn::CreateSession;
use hellojohn::rest::Credentials;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// How long one check may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(10);

/// How many checks run at once; others wait.
const CHECKS_AT_ONCE: usize = 16;

/// The longest answer.
const ANSWER_MAX: u64 = 64 * 1024;

/// A program that gets the credentials as JSON on its standard input and prints the user as JSON. Exit code 1 says that they
/// are wrong, any other but 0 that it could not tell.
pub(crate) struct SignInProgram {
    program: PathBuf,
    turns: Semaphore,
}

/// Why credentials could not be checked.
pub(crate) enum CheckProblem {
    Io(io::Error),
    TimedOut,
    Exited(std::process::ExitStatus),
    BadUser(String),
}

impl SignInProgram {
    pub fn new(program: PathBuf) -> Self {
        SignInProgram { program, turns: Semaphore::new(CHECKS_AT_ONCE) }
    }

    /// Checks the credentials: the user, or nothing for wrong ones.
    pub async fn check(&self, credentials: &Credentials) -> Result<Option<CreateSession>, CheckProblem> {
        let input = Zeroizing::new(serde_json::to_vec(credentials.as_object()).unwrap_or_default());
        let _turn = self.turns.acquire().await;
        let checked = tokio::time::timeout(CHECK_TIMEOUT, self.run(&input)).await;
        checked.unwrap_or(Err(CheckProblem::TimedOut))
    }

    async fn run(&self, input: &[u8]) -> Result<Option<CreateSession>, CheckProblem> {
        let mut child = Command::new(&self.program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(CheckProblem::Io)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let send = async {
            if let Some(mut stdin) = stdin {
                // A program that knows enough may end without reading all.
                let _ = stdin.write_all(input).await;
            }
        };
        let mut answer = Vec::new();
        let receive = async {
            match stdout {
                Some(stdout) => stdout.take(ANSWER_MAX).read_to_end(&mut answer).await,
                None => Ok(0),
            }
        };
        let ((), received) = tokio::join!(send, receive);
        received.map_err(CheckProblem::Io)?;
        let status = child.wait().await.map_err(CheckProblem::Io)?;
        match status.code() {
            Some(0) => read_user(&answer).map(Some),
            Some(1) => Ok(None),
            _ => Err(CheckProblem::Exited(status)),
        }
    }
}

fn read_user(answer: &[u8]) -> Result<CreateSession, CheckProblem> {
    let object = serde_json::from_slice(answer)
        .map_err(|_| CheckProblem::BadUser("its answer is not a JSON object".to_owned()))?;
    CreateSession::from_json(object).map_err(|error| CheckProblem::BadUser(error.detail().to_owned()))
}

impl fmt::Display for CheckProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckProblem::Io(cause) => write!(f, "it cannot be run: {cause}"),
            CheckProblem::TimedOut => write!(f, "it took longer than {} seconds", CHECK_TIMEOUT.as_secs()),
            CheckProblem::Exited(status) => write!(f, "it ended with {status}"),
            CheckProblem::BadUser(problem) => f.write_str(problem),
        }
    }
}
