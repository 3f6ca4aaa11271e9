//! `config`: show and change settings.

use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, text};
use crate::context::Context;
use crate::failure::CommandFailure;

/// The member of the settings' answer that is no setting: what of them may be a mistake.
const WARNINGS: &str = "warnings";

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show the settings, or one of them
    Get {
        /// The name of the setting, such as session_duration
        name: Option<String>,
    },
    /// Change settings: all of the given ones or, if one is not good, none
    Set {
        /// A setting and its value, such as idle_timeout=7d; null turns it off
        #[arg(required = true, value_name = "NAME=VALUE")]
        settings: Vec<String>,
    },
}

impl ConfigCommand {
    pub fn run(&self, context: &mut Context<'_>) -> Result<Answer, CommandFailure> {
        match self {
            ConfigCommand::Get { name: None } => Ok(show(context.api()?.get("/v1/admin/config", &[])?)),
            ConfigCommand::Get { name: Some(name) } => {
                let config = context.api()?.get("/v1/admin/config", &[])?;
                let value = config.get(name).filter(|_| name != WARNINGS).ok_or_else(|| {
                    CommandFailure::usage(
                        format!("{name} is no setting"),
                        "`hellojohn config get` lists all settings",
                    )
                })?;
                Ok(Answer::new(json!({ name: value }), setting_text(value)))
            }
            ConfigCommand::Set { settings } => {
                let patch = parse_settings(settings)?;
                Ok(show(context.api()?.patch("/v1/admin/config", &patch)?))
            }
        }
    }
}

fn show(config: Value) -> Answer {
    let settings = config.as_object().into_iter().flatten().filter(|(name, _)| *name != WARNINGS);
    let rows = settings.map(|(name, value)| vec![name.clone(), setting_text(value)]);
    let mut people = crate::answer::table(&[], rows);
    for warning in config[WARNINGS].as_array().into_iter().flatten() {
        people.push_str(&format!("\n\nwarning: {}", text(warning)));
    }
    Answer::new(config, people)
}

/// A setting that is off shows as it is set.
fn setting_text(value: &Value) -> String {
    if value.is_null() { "null".to_owned() } else { text(value) }
}

/// Reads `name=value`: a value is null, true, false, a whole number, or else a text.
pub(crate) fn parse_settings(settings: &[String]) -> Result<Value, CommandFailure> {
    let mut patch = Map::new();
    for setting in settings {
        let Some((name, value)) = setting.split_once('=') else {
            return Err(CommandFailure::usage(
                format!("{setting} has no value"),
                "write NAME=VALUE, such as idle_timeout=7d",
            ));
        };
        let number = value.parse::<i64>().ok().filter(|number| number.to_string() == value);
        let value = match (value, number) {
            ("null", _) => Value::Null,
            ("true", _) => true.into(),
            ("false", _) => false.into(),
            (_, Some(number)) => number.into(),
            (text, None) => text.into(),
        };
        if patch.insert(name.to_owned(), value).is_some() {
            return Err(CommandFailure::usage(format!("{name} is given twice"), "give each setting once"));
        }
    }
    Ok(patch.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_null_true_false_a_number_or_a_text() {
        let read = |text: &str| parse_settings(&[text.to_owned()]).unwrap();
        assert_eq!(read("a=null"), json!({"a": null}));
        assert_eq!(read("a=true"), json!({"a": true}));
        assert_eq!(read("a=false"), json!({"a": false}));
        assert_eq!(read("a=5"), json!({"a": 5}));
        assert_eq!(read("a=05"), json!({"a": "05"}));
        assert_eq!(read("a=7d"), json!({"a": "7d"}));
        assert_eq!(read("a="), json!({"a": ""}));
        assert!(parse_settings(&["a".to_owned()]).is_err());
        assert!(parse_settings(&["a=1".to_owned(), "a=2".to_owned()]).is_err());
    }
}
