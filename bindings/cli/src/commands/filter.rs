//! The filter of sessions (SPEC 12) as arguments.

use clap::Args;
use serde_json::{Map, Value};

macro_rules! filter_arguments {
    ($($(#[doc = $doc:literal])+ $name:ident: $value:literal,)+) => {
        /// Which sessions a command is about: those for which every given option holds. Their values are REST's.
        #[derive(Debug, Args)]
        #[command(next_help_heading = "Which sessions")]
        pub(crate) struct FilterArguments {$(
            $(#[doc = $doc])+
            #[arg(long, value_name = $value)]
            $name: Option<String>,
        )+}

        impl FilterArguments {
            /// The members that are given, under REST's names.
            pub fn members(&self) -> Vec<(&'static str, &str)> {
                let all = [$((stringify!($name), &self.$name)),+];
                all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
            }
        }
    };
}

filter_arguments! {
    /// Of this user
    user_id: "ID",
    /// active, expired, revoked or all; without it active ones
    status: "STATUS",
    /// Signed in from one of these countries
    country: "ES,PT",
    /// Signed in from none of them
    not_country: "ES,PT",
    /// Signed in from this address or network
    ip_address: "ADDRESS",
    /// Signed in from elsewhere
    not_ip_address: "ADDRESS",
    /// On devices of this type: desktop, mobile, tablet or bot
    device_type: "TYPE",
    /// Whose user agent contains this text
    user_agent: "TEXT",
    /// In this organisation
    org_id: "ID",
    /// With this role
    role: "ROLE",
    /// Signed in after this time
    created_after: "TIME",
    /// Signed in before this time, such as 2024-01-15T10:30:00Z
    created_before: "TIME",
    /// Last active after this time
    last_active_after: "TIME",
    /// Last active before this time
    last_active_before: "TIME",
    /// With a second factor (true) or without one (false)
    mfa_verified: "BOOL",
    /// Ended for this reason, such as revoked or refresh_token_reuse
    end_reason: "REASON",
}

impl FilterArguments {
    /// The members in the form of a body.
    pub fn to_json(&self) -> Value {
        let value = |name: &str, text: &str| match (name, text) {
            ("mfa_verified", "true") => Value::Bool(true),
            ("mfa_verified", "false") => Value::Bool(false),
            _ => text.into(),
        };
        let members = self.members().into_iter().map(|(name, text)| (name.to_owned(), value(name, text)));
        members.collect::<Map<_, _>>().into()
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command};
    use hellojohn::SessionFilter;

    use super::*;

    #[test]
    fn every_member_of_the_filter_is_an_option() {
        let command = FilterArguments::augment_args(Command::new("x"));
        let names: Vec<&str> = command.get_arguments().map(|argument| argument.get_id().as_str()).collect();
        assert_eq!(names, SessionFilter::NAMES);
    }
}
