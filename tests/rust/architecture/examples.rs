//! Every public item of the crate is shown by an example that runs.
//!
//! The rule: a type, a trait, a constant and a free function has an example in its own documentation. A method or a constant of a type
//! has one too, unless an example in the same file calls it, or it is a getter (it takes the value only and cannot fail) of a type with an
//! example. Fields, variants, implementations of traits, and the setters and word lists that a macro makes, are shown by the example of
//! their type. What is hidden from the documentation needs none.

use std::collections::BTreeSet;

use crate::rust_code::{before_unit_tests, is_test_file, is_word_part, uses};
use crate::{Source, assert_none, sources};

/// Where the public modules are.
const MODULES: &[&str] =
    &["core/src/lib.rs", "core/src/rest/mod.rs", "core/src/axum.rs", "core/src/tower.rs"];

/// Whose every public item is exported.
const EXPORTED_WHOLE: &[&str] = &["core/src/engine/answers.rs", "core/src/engine/counts.rs"];

/// The names that users of the crate see.
fn exported_names(all: &[Source]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for source in all {
        let is_module = MODULES.contains(&source.path.as_str());
        if is_module {
            let shown = without_hidden(&source.text);
            names.extend(uses(&shown).0.into_iter().filter(|one| one.is_public).map(|one| one.name));
        }
        if is_module || EXPORTED_WHOLE.contains(&source.path.as_str()) {
            let items = items(before_unit_tests(&source.text));
            names.extend(items.into_iter().filter(|item| item.owner.is_none()).map(|item| item.name));
        }
    }
    names.remove("*");
    names.remove("http");
    names
}

/// The text without what stands behind `#[doc(hidden)]`, and without comments, whose words could pass for code.
fn without_hidden(text: &str) -> String {
    let mut shown = String::new();
    let mut is_hidden = false;
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        is_hidden |= line == "#[doc(hidden)]";
        if !is_hidden {
            shown.push_str(line);
            shown.push('\n');
        }
        is_hidden &= !line.ends_with(';');
    }
    shown
}

/// A public item as its source has it.
struct Item {
    name: String,
    /// The type whose method or constant it is.
    owner: Option<String>,
    is_getter: bool,
    doc: String,
    line: usize,
}

/// The public items of a file, and the names that its macros declare.
fn items(text: &str) -> Vec<Item> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    let mut owner = None;
    for (index, line) in lines.iter().enumerate() {
        if line.starts_with("impl") {
            let head = line.split(" where").next().unwrap_or_default().trim_end_matches(" {");
            // Of a trait's implementation the trait tells.
            owner = (!head.contains(" for ")).then(|| self_type(head)).flatten();
        } else if *line == "}" {
            owner = None;
        }
        let Some((word, name)) = declared(line) else { continue };
        let is_member = line.starts_with("    ") && matches!(word, "fn" | "const");
        let doc = documentation(&lines[..index]);
        if is_member && owner.is_none() || doc.contains("#[doc(hidden)]") {
            continue;
        }
        let signature: String =
            lines[index..].iter().take_while(|line| !line.ends_with('{')).copied().collect();
        let signature = if line.ends_with('{') { (*line).to_owned() } else { signature };
        let takes_value_only = ["(self)", "(&self)"].iter().any(|it| signature.contains(it));
        found.push(Item {
            name: name.to_owned(),
            owner: owner.clone().filter(|_| is_member),
            is_getter: takes_value_only && !signature.contains("Result<") && !signature.contains("Pending<"),
            doc,
            line: index + 1,
        });
    }
    found
}

/// `Page` of `impl<T: Clone> Page<T>`.
fn self_type(head: &str) -> Option<String> {
    let rest = head.strip_prefix("impl")?;
    let rest = if rest.starts_with('<') { rest.split_once("> ")?.1 } else { rest };
    let name: String = rest.trim().chars().take_while(|c| is_word_part(*c)).collect();
    (!name.is_empty()).then_some(name)
}

/// What a line declares: `pub struct Name`, or `Name, "field"` inside of a macro.
fn declared(line: &str) -> Option<(&str, &str)> {
    let code = line.trim_start();
    if let Some(rest) = code.strip_prefix("pub ") {
        let rest = rest.trim_start_matches("async ");
        let rest = if rest.starts_with("const fn") { rest.trim_start_matches("const ") } else { rest };
        let (word, rest) = rest.split_once(' ')?;
        let name = rest.split(|c| !is_word_part(c)).next().filter(|name| !name.is_empty())?;
        return ["struct", "enum", "trait", "type", "fn", "const"].contains(&word).then_some((word, name));
    }
    let name = code.split(|c| !is_word_part(c)).next()?;
    let is_declared =
        line.starts_with("    ") && !line.starts_with("     ") && name.starts_with(char::is_uppercase);
    let rest = &code[name.len()..];
    (is_declared && (rest.is_empty() || rest.starts_with(", \""))).then_some(("macro", name))
}

/// The comment and the attributes that stand right before an item.
fn documentation(before: &[&str]) -> String {
    let belongs = |line: &&&str| {
        let line = line.trim_start();
        line.starts_with("///") || line.starts_with("#[") || line == ")]"
    };
    let lines: Vec<&str> = before.iter().rev().take_while(belongs).copied().collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

const FENCE: &str = "/// ```";

fn has_example(doc: &str) -> bool {
    doc.contains(FENCE)
}

/// The code of all examples of a file.
fn examples(text: &str) -> String {
    let mut is_code = false;
    let mut code = String::new();
    for line in text.lines().map(str::trim_start) {
        if line.starts_with(FENCE) {
            is_code = !is_code;
        } else if is_code {
            code.push_str(line);
            code.push('\n');
        }
    }
    code
}

/// Whether examples call the method, or name the constant.
fn call(examples: &str, name: &str) -> bool {
    let is_call = |at: usize| {
        let before = &examples[..at];
        let goes_on = examples[at + name.len()..].starts_with(is_word_part);
        !goes_on && (before.ends_with('.') || before.ends_with("::"))
    };
    examples.match_indices(name).any(|(at, _)| is_call(at))
}

fn missing_examples(all: &[Source]) -> Vec<String> {
    let names = exported_names(all);
    let is_core = |source: &&Source| {
        source.path.starts_with("core/src/") && source.path.ends_with(".rs") && !is_test_file(&source.path)
    };
    let files: Vec<(&Source, Vec<Item>)> =
        all.iter().filter(is_core).map(|source| (source, items(before_unit_tests(&source.text)))).collect();
    // A list of words gets its example from its macro.
    let is_word_list = |source: &Source, name: &str| source.text.contains(&format!("pub enum {name} as \""));
    let mut shown = BTreeSet::new();
    let mut found = Vec::new();
    for (source, items) in &files {
        for item in items.iter().filter(|item| item.owner.is_none() && names.contains(&item.name)) {
            if has_example(&item.doc) || is_word_list(source, &item.name) {
                shown.insert(item.name.clone());
            }
        }
    }
    for (source, items) in &files {
        let examples = examples(&source.text);
        for Item { name, owner, is_getter, doc, line } in items {
            let is_shown = match owner {
                None if !names.contains(name) => true,
                None => shown.contains(name),
                Some(owner) if !names.contains(owner) => true,
                Some(owner) => {
                    has_example(doc) || *is_getter && shown.contains(owner) || call(&examples, name)
                }
            };
            if !is_shown {
                let owner = owner.as_ref().map_or(String::new(), |owner| format!("{owner}::"));
                found.push(format!("{}:{line}: {owner}{name}", source.path));
            }
        }
    }
    found
}

#[test]
fn every_public_item_has_an_example() {
    let all = sources();
    let names = exported_names(&all);
    // The scan sees what there is.
    for known in
        ["Engine", "Session", "Grant", "RestApi", "AuthLayer", "AuthGuard", "UserId", "SecretKey", "router"]
    {
        assert!(names.contains(known), "{known} is not found");
    }
    assert!(names.len() > 150, "only {} public items", names.len());
    assert_none("public items without an example", &missing_examples(&all));
}

mod self_tests {
    use super::*;

    #[test]
    fn an_item_without_an_example_is_caught() {
        let module = Source::new(
            "core/src/lib.rs",
            "pub use a::{Shown, Silent, Word, Text};\n#[doc(hidden)]\npub use b::{\n    Hidden,\n};\n/// It.\npub fn free() {}\n",
        );
        let file = Source::new(
            "core/src/a.rs",
            "/// One.\n///\n/// ```\n/// Shown::new().set(1);\n/// ```\n#[derive(Debug)]\npub struct Shown;\n\
             impl Shown {\n    /// Called.\n    pub fn new() -> Self {\n    }\n    /// Called.\n    pub fn set(\n        self,\n    ) -> Self {\n    }\n\
             \u{20}   /// A getter.\n    pub fn get(&self) -> u8 {\n    }\n    /// Not called.\n    pub const fn settle(&self) -> Result<u8, E> {\n    }\n\
             \u{20}   /// Not named.\n    pub const LIMIT: u8 = 1;\n    #[doc(hidden)]\n    pub fn inner() {}\n    fn private() {}\n}\n\
             impl<T: Clone> Silent<T> {\n    /// A getter of a type without an example.\n    pub fn get(&self) -> u8 {\n    }\n}\n\
             impl Clone for Shown {\n    pub fn odd() {}\n}\npub struct Silent;\npub struct Hidden;\npub struct Internal;\n\
             word_enum! {\n    pub enum Word as \"word\" {\n    }\n}\nhost_text! {\n    /// A text.\n    Text, \"text\", 255\n}\n",
        );
        assert_eq!(
            missing_examples(&[module, file]),
            [
                "core/src/lib.rs:7: free",
                "core/src/a.rs:21: Shown::settle",
                "core/src/a.rs:24: Shown::LIMIT",
                "core/src/a.rs:31: Silent::get",
                "core/src/a.rs:37: Silent",
                "core/src/a.rs:46: Text",
            ]
        );
    }
}
