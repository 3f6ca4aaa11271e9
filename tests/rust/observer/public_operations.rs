//! No public operation of the engine is left out, by a look at its source.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use hellojohn::Operation;

/// Public methods that answer with a result and are no operation, each with the reason.
const NOT_TOLD: &[(&str, &str)] = &[
    ("open", "opens the engine that has the observer"),
    (
        "is_fresh",
        "asks of a cached answer; the operation that the answer is of is told by the host that caches",
    ),
    ("event_consumer", "names a consumer and reads nothing"),
    ("event_consumer_as", "names a consumer and reads nothing"),
    ("may_have_events_after", "looks at a number in memory, a few times a second"),
    ("may_have_events_since", "looks at a number in memory, a few times a second"),
    ("resume_sign_in", "reads a text"),
    ("begin_call", "makes the host's own calls, each of which is told"),
    ("maintain_in_turn", "calls maintain where it is its turn"),
];

#[test]
fn every_public_operation_reaches_the_observer() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src/engine");
    let (mut checked, mut silent, mut unneeded) = (0, Vec::new(), BTreeSet::new());
    unneeded.extend(NOT_TOLD.iter().map(|(name, _)| *name));
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for part in text.split("\n}\n") {
            let Some((_, methods)) =
                ["impl Tenant {", "impl Engine {", "impl SignInAttempt {", "impl EventConsumer {"]
                    .iter()
                    .find_map(|head| part.split_once(*head))
            else {
                continue;
            };
            for method in methods.split("\n    pub fn ").skip(1) {
                let method = method.split("\n    }").next().unwrap();
                let name = method.split(['(', '<']).next().unwrap().to_owned();
                let (signature, body) = method.split_once("{\n").unwrap();
                let answers = signature.split_once("->").is_some_and(|(_, answer)| {
                    answer.contains("Result<") || answer.contains("Pending<") || name == "fail"
                });
                if !answers {
                    continue;
                }
                if let Some((known, _)) = NOT_TOLD.iter().find(|(known, _)| *known == name) {
                    unneeded.remove(known);
                    continue;
                }
                checked += 1;
                let passes_on = [format!("self.begin_{name}("), format!("self.{name}_cacheable(")];
                if !body.contains("observe") && !passes_on.iter().any(|call| body.contains(call)) {
                    silent.push(format!("{}: {name}", path.display()));
                }
            }
        }
    }
    assert_eq!(silent, Vec::<String>::new(), "these tell no observer");
    assert!(unneeded.is_empty(), "not there: {unneeded:?}");
    assert!(checked >= Operation::ALL.len(), "{checked}");
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

#[test]
fn the_example_of_the_document_is_the_one_that_is_compiled() {
    let (document, example) = (read("docs/OBSERVABILITY.md"), read("core/examples/observer.rs"));
    let (_, program) = example.split_once("\n\n").unwrap();
    assert!(document.contains(&format!("```rust\n{program}```")));
}

#[test]
fn the_document_lists_every_operation() {
    let text = read("docs/OBSERVABILITY.md");
    let (_, table) = text.split_once("| Operations | |\n|---|---|\n").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let listed: BTreeSet<&str> = table.split('`').skip(1).step_by(2).collect();
    let all: BTreeSet<&str> = Operation::ALL.iter().map(|operation| operation.as_str()).collect();
    assert_eq!(listed, all);
}
