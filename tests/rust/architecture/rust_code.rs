//! Just enough of Rust's syntax: code without comments, texts and unit tests, and the paths that it names.

/// Modules that only tests compile, by name: unit tests, and the suite that every store runs.
pub(crate) const TEST_MODULES: &[&str] = &["tests", "conformance"];

/// Whether a file of Rust belongs to such a module.
pub(crate) fn is_test_file(path: &str) -> bool {
    path.trim_end_matches(".rs").split('/').any(|part| TEST_MODULES.contains(&part))
}

/// The text of a file up to its unit tests.
pub(crate) fn before_unit_tests(text: &str) -> &str {
    let is_module = |at: &usize| {
        let declared = text[at + CFG_TEST.len()..].lines().next().unwrap_or("");
        declared.ends_with("mod tests {")
    };
    let end = text.match_indices(CFG_TEST).map(|(at, _)| at).find(is_module);
    &text[..end.unwrap_or(text.len())]
}

const CFG_TEST: &str = "#[cfg(test)]\n";

/// The code of a file, without its unit tests, with comments and the contents of texts left out.
pub(crate) fn production_code(text: &str) -> String {
    let text = before_unit_tests(text);
    let bytes = text.as_bytes();
    let mut code = String::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(raw) = rest.strip_prefix("r#\"") {
            raw.find("\"#").map_or(rest.len(), |end| end + 5)
        } else if rest.starts_with('"') {
            end_of_text(rest)
        } else if rest.starts_with("'\\") || rest.starts_with('\'') && is_char_literal(rest) {
            rest[2..].find('\'').map_or(rest.len(), |end| end + 3)
        } else {
            let character = rest.chars().next().expect("not at the end");
            code.push(character);
            at += character.len_utf8();
            continue;
        };
        code.push_str(if bytes[at] == b'"' { "\"\"" } else { " " });
        at += length;
    }
    code
}

fn end_of_text(rest: &str) -> usize {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `'x'`, and not the lifetime `'x`.
fn is_char_literal(rest: &str) -> bool {
    rest.chars().nth(2) == Some('\'')
}

pub(crate) fn is_word_part(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Where the word stands by itself (`http::` may go on).
pub(crate) fn find_word(code: &str, word: &str) -> Option<usize> {
    let goes_on =
        |at: usize| word.ends_with(is_word_part) && code[at + word.len()..].starts_with(is_word_part);
    code.match_indices(word).map(|(at, _)| at).find(|&at| !code[..at].ends_with(is_word_part) && !goes_on(at))
}

/// A `use` statement or a path within the code, with its braces resolved: `crate::a::{b, c as d}` is two.
pub(crate) struct Named {
    pub(crate) path: Vec<String>,
    /// Under which name it is known here.
    pub(crate) name: String,
    pub(crate) is_public: bool,
}

/// What the `use` statements of a file bring in, and the code without them.
pub(crate) fn uses(code: &str) -> (Vec<Named>, String) {
    let mut named = Vec::new();
    let mut others = String::new();
    let mut rest = code;
    while let Some(at) = find_word(rest, "use") {
        let (before, from) = rest.split_at(at);
        let Some(end) = from.find(';') else { break };
        let head = before.rsplit(['\n', ';', '}']).next().unwrap_or("");
        let is_public = head.trim_start().starts_with("pub");
        expand(&from[3..end], &[], &mut |path, name| {
            named.push(Named { path, name, is_public });
        });
        others.push_str(before);
        rest = &from[end + 1..];
    }
    others.push_str(rest);
    (named, others)
}

fn expand(tree: &str, prefix: &[String], found: &mut impl FnMut(Vec<String>, String)) {
    let (own, group) = match tree.trim().split_once('{') {
        Some((own, group)) => (own, Some(group.strip_suffix("}").unwrap_or(group))),
        None => (tree, None),
    };
    let (own, alias) = own.split_once(" as ").map_or((own, None), |(own, alias)| (own, Some(alias.trim())));
    let segments = own.split("::").map(str::trim).filter(|segment| !segment.is_empty());
    let mut path: Vec<String> = prefix.iter().cloned().chain(segments.map(str::to_owned)).collect();
    let Some(group) = group else {
        if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
            path.pop();
        }
        let name = alias.map_or_else(|| path.last().cloned().unwrap_or_default(), str::to_owned);
        return found(path, name);
    };
    let (mut depth, mut start) = (0, 0);
    for (at, character) in group.char_indices().chain([(group.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !group[start..at].trim().is_empty() {
                    expand(&group[start..at], &path, found);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// The paths of the code itself, as far as they start with a module: `crate::…`, `super::…`, `self::…` or the name of a
/// child module.
pub(crate) fn inline_paths(code: &str, children: &[String]) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for (at, _) in code.match_indices("::") {
        let first = code[..at].rsplit(|character| !is_word_part(character)).next().unwrap_or("");
        let before = &code[..at - first.len()];
        let is_start =
            matches!(first, "crate" | "super" | "self") || children.iter().any(|child| child == first);
        if !is_start || before.ends_with("::") || before.ends_with('.') {
            continue;
        }
        let tail = code[at..].split("::").skip(1);
        let names = tail.map(|part| part.split(|c| !is_word_part(c)).next().unwrap_or("").to_owned());
        let mut path = vec![first.to_owned()];
        for (name, part) in names.zip(code[at..].split("::").skip(1)) {
            let is_last = name.len() != part.len();
            path.push(name);
            if is_last {
                break;
            }
        }
        paths.push(path);
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_texts_and_unit_tests_are_no_code() {
        let code = production_code(
            "let a = '\"'; // rusqlite\nlet b = \"crate::x // \\\"\"; /* y */ fn f<'a>() {}\n#[cfg(test)]\nmod tests {\nz }",
        );
        for absent in ["rusqlite", "crate", "y", "z"] {
            assert!(find_word(&code, absent).is_none(), "{absent} in {code}");
        }
        assert!(find_word(&code, "fn").is_some() && code.contains("<'a>"), "{code}");
    }

    #[test]
    fn braces_and_aliases_are_resolved() {
        let (named, others) = uses("pub use crate::a::{self, b::{c, d as e}};\nuse super::f;\nfn g() {}");
        let paths: Vec<String> =
            named.iter().map(|one| format!("{} = {}", one.name, one.path.join("::"))).collect();
        assert_eq!(paths, ["a = crate::a", "c = crate::a::b::c", "e = crate::a::b::d", "f = super::f"]);
        assert!(named[0].is_public && !named[3].is_public);
        assert_eq!(others.trim_start_matches("pub").trim(), "fn g() {}");
    }

    #[test]
    fn paths_within_code_are_found() {
        let children = ["child".to_owned()];
        let paths = inline_paths("crate::a::b(); x::y(); child::z; std::child::w", &children);
        assert_eq!(paths, [vec!["crate", "a", "b"], vec!["child", "z"]]);
    }
}
