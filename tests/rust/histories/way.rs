//! How a call of a history reaches the engine: on the Rust crate, or as a request to the REST API in the same process.

use hellojohn::Tenant;

use crate::dice::Dice;

use super::model::Mistake;
use super::rest_client::Client;

/// How the client of the REST API keeps the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    Rust,
    /// By itself: they travel in bodies and as bearer tokens.
    Tokens,
    /// In the cookies of a browser.
    Cookies,
}

/// How one call reaches the engine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    means: Means,
    /// Which of the pages that may use the cookies makes the request.
    page: usize,
    mistake: Option<Mistake>,
}

impl Way {
    /// On the Rust crate.
    pub(super) const RUST: Way = Way { means: Means::Rust, page: 0, mistake: None };

    /// A third of the calls are requests. The choice is not one of the call's own dice, so that the call is the same either way.
    pub(super) fn of_call(seed: u64, mistake: Option<Mistake>) -> Self {
        let mut dice = Dice::new(!seed);
        let means = match dice.below(6) {
            0 => Means::Tokens,
            1 => Means::Cookies,
            _ => Means::Rust,
        };
        Way { means, page: dice.below(3), mistake }
    }

    /// The REST API of the tenant; nothing for a call on the Rust crate.
    pub(super) fn rest(self, tenant: &Tenant) -> Option<Client> {
        (self.means != Means::Rust).then(|| Client::new(tenant, self.has_cookies(), self.page, self.mistake))
    }

    pub(super) fn is_rest(self) -> bool {
        self.means != Means::Rust
    }

    pub(super) fn has_cookies(self) -> bool {
        self.means == Means::Cookies
    }
}
