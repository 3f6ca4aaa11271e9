//! What kind of device a user agent string names.
//!
//! A string is cut into words (runs of ASCII letters and digits) once; each known word leaves a mark, and the
//! marks are weighed in one order at the end. No allocation, time linear in the length of the string.
//!
//! The table `tests/vectors/user_agents.tsv` is the authority: a wrong answer found in the field becomes a
//! row there before it becomes a word of the vocabulary.

mod vocabulary;

use self::vocabulary::{Mark, TOOLS, mark_of_pair, mark_of_word};
use crate::model::device_type::DeviceType;

impl DeviceType {
    /// The type of device that a `User-Agent` header names; any text is accepted, and text that names none
    /// gives [`Unknown`](Self::Unknown).
    ///
    /// The answer is a description for people and lists, not proof: the client wrote the string. Where it
    /// leaves room, these readings hold:
    ///
    /// - Crawlers are [`Bot`](Self::Bot) even when they pose as a phone. So are automated clients:
    ///   command-line tools, and HTTP libraries of servers and scripts that give no more than their own name first
    ///   (`curl/8.5.0`, `python-requests/2.31.0`).
    /// - A library that phone apps are built on too, with nothing but its own name (`okhttp/4.9.0`, `Dart/3.3 (dart:io)`,
    ///   `axios/1.6.7`), is [`Unknown`](Self::Unknown): a server may stand behind it as well. An app that wants to be seen
    ///   as a phone names its system: `Shop/3.1 (Android 14; Pixel 8) okhttp/4.9.0`. Then its own name does not matter:
    ///   `Chatbot/2.0 CFNetwork/1474 Darwin/23.0.0` is no crawler.
    /// - Android in a browser's string without `Mobile` is a tablet, as Google documents; Android in an app's
    ///   string (`Dalvik/2.1.0 …`) says nothing by that word and is a phone unless the model is a known
    ///   tablet.
    /// - An app's `CFNetwork/… Darwin/…` string is a phone unless it names a Mac or an Intel processor. (An app on a Mac
    ///   with Apple's processor names neither. Few sign-ins come from those.)
    /// - Televisions, set-top boxes, consoles, watches, headsets and cars are [`Unknown`](Self::Unknown).
    /// - Safari on an iPad, and Chrome on a large Android tablet, claim to be a computer and cannot be told
    ///   apart from one. Browsers that exist on handhelds only and claim to be a computer (Chrome for iOS,
    ///   Silk, Samsung Internet on Linux) are tablets.
    ///
    /// ```
    /// use hellojohn::DeviceType;
    ///
    /// assert_eq!(DeviceType::of_user_agent("curl/8.5.0"), DeviceType::Bot);
    /// assert_eq!(DeviceType::of_user_agent("okhttp/4.9.0"), DeviceType::Unknown);
    /// assert_eq!(DeviceType::of_user_agent(""), DeviceType::Unknown);
    /// ```
    pub fn of_user_agent(user_agent: &str) -> Self {
        let text = user_agent.trim_start().as_bytes();
        let marks = Marks::read(text);
        if leads_with_any(text, TOOLS) && !marks.is_app() {
            return DeviceType::Bot;
        }
        decide(marks, text)
    }
}

/// The set of marks of one string.
#[derive(Clone, Copy, Default)]
struct Marks(u32);

impl Marks {
    fn add(&mut self, mark: Mark) {
        self.0 |= 1 << mark as u32;
    }

    fn has(self, mark: Mark) -> bool {
        self.0 & (1 << mark as u32) != 0
    }

    /// Whether the string names a library of apps and the system that the app runs on.
    fn is_app(self) -> bool {
        let has_system =
            [Mark::Darwin, Mark::Android, Mark::IPhone, Mark::IPad].into_iter().any(|mark| self.has(mark));
        has_system && self.has(Mark::AppLibrary)
    }

    fn read(text: &[u8]) -> Self {
        let mut marks = Self::default();
        let mut previous = Lower::default();
        let mut end = 0;
        while let Some(start) = position(text, end, |byte| byte.is_ascii_alphanumeric()) {
            end = position(text, start, |byte| !byte.is_ascii_alphanumeric()).unwrap_or(text.len());
            let word = &text[start..end];
            let before = start.checked_sub(1).map(|at| text[at]);
            let after = text.get(end).copied();
            let lower = Lower::of(word);
            marks.read_around(lower.as_bytes(), before, after);
            if is_bot_name(word) {
                marks.add(Mark::Bot);
            } else if is_fire_model(word, b"AFT") {
                marks.add(Mark::OtherScreen);
            } else if is_fire_model(word, b"KF") {
                marks.add(Mark::AndroidTablet);
            }
            // `iPhone14`, `Watch6`: a model number follows the name.
            let mark =
                mark_of_word(lower.as_bytes()).or_else(|| mark_of_word(without_number(lower.as_bytes())));
            if let Some(mark) = mark {
                marks.add(mark);
            }
            if let Some(mark) = mark_of_pair(previous.as_bytes(), lower.as_bytes()) {
                marks.add(mark);
            }
            previous = lower;
        }
        marks
    }

    /// Words whose meaning hangs on the characters beside them.
    fn read_around(&mut self, word: &[u8], before: Option<u8>, after: Option<u8>) {
        match word {
            b"cfnetwork" => self.add(Mark::AppLibrary),
            // "(+https://…": by custom only a crawler tells where it can be read about.
            b"http" | b"https" if before == Some(b'+') => self.add(Mark::Bot),
            b"http" | b"https" if after == Some(b':') => self.add(Mark::SelfIntroduction),
            // Not `Xbox/2301 CFNetwork` nor `com.nintendo.znca`: those are phone apps of the same makers.
            b"nintendo" | b"playstation" | b"xbox"
                if matches!(before, Some(b'(' | b' ')) && after != Some(b'/') =>
            {
                self.add(Mark::Console);
            }
            // `Mobile/15E148` is written by Apple's web view on handhelds, also where it claims to be a Mac.
            b"mobile" if after == Some(b'/') => self.add(Mark::IosBrowser),
            // The car. Without a version the word is a brand of cheap phones and tablets.
            b"tesla" if after == Some(b'/') => self.add(Mark::OtherScreen),
            _ => {}
        }
    }
}

/// Weighs the marks: the first that settles the matter wins, so the order is the rule.
fn decide(marks: Marks, text: &[u8]) -> DeviceType {
    let has = |mark| marks.has(mark);
    if (has(Mark::Bot) || has(Mark::BareBot) && !has(Mark::Android)) && !marks.is_app() {
        DeviceType::Bot
    } else if has(Mark::Console) {
        // Before iPhone: "New Nintendo 3DS like iPhone". Before Windows: "Windows NT 10.0; Xbox".
        DeviceType::Unknown
    } else if has(Mark::IPad) {
        DeviceType::Tablet
    } else if has(Mark::IPhone) || has(Mark::PocketWindows) {
        DeviceType::Mobile
    } else if has(Mark::Windows) {
        // Before tablet words: desktops of that age say "Tablet PC 2.0".
        if has(Mark::Arm32) { DeviceType::Tablet } else { DeviceType::Desktop }
    } else if has(Mark::Mac) {
        if has(Mark::IosBrowser) || has(Mark::Tablet) { DeviceType::Tablet } else { DeviceType::Desktop }
    } else if has(Mark::OtherScreen) {
        // Before Android, Linux and Silk, which televisions also say.
        DeviceType::Unknown
    } else if has(Mark::Chromebook) {
        DeviceType::Desktop
    } else if has(Mark::Tablet) || has(Mark::AndroidTablet) && has(Mark::Android) {
        DeviceType::Tablet
    } else if has(Mark::Mobile) {
        DeviceType::Mobile
    } else if has(Mark::Android) {
        if has(Mark::Browser) { DeviceType::Tablet } else { DeviceType::Mobile }
    } else if has(Mark::Desktop) || has(Mark::Linux) && !has(Mark::BoxProcessor) {
        if has(Mark::SamsungBrowser) { DeviceType::Tablet } else { DeviceType::Desktop }
    } else if has(Mark::Darwin) {
        if has(Mark::Intel) { DeviceType::Desktop } else { DeviceType::Mobile }
    } else if has(Mark::LooseMac) {
        DeviceType::Desktop
    } else if has(Mark::SelfIntroduction) || leads_with(text, "whatsapp") {
        // No system is named. WhatsApp's link previews name none, its app does.
        DeviceType::Bot
    } else {
        DeviceType::Unknown
    }
}

/// Whether a word is a crawler's name by its form: `Googlebot`, `bots`, `trendictionbot0`, `Bytespider`,
/// `AdsTxtCrawler`.
fn is_bot_name(word: &[u8]) -> bool {
    let word = without_number(word);
    // A brand of Android phones, and the app of a vacuum cleaner.
    if word.eq_ignore_ascii_case(b"cubot") || word.eq_ignore_ascii_case(b"irobot") {
        return false;
    }
    // Left to the mark that these have.
    if word.eq_ignore_ascii_case(b"bot") || word.eq_ignore_ascii_case(b"spider") {
        return false;
    }
    let singular = word.strip_suffix(b"s").unwrap_or(word);
    ends_with(singular, b"bot")
        || ends_with(singular, b"spider")
        || word.windows(5).any(|part| part.eq_ignore_ascii_case(b"crawl"))
}

/// Whether a word is one of Amazon's model codes: capitals after a prefix that would be too short in mixed
/// case (`AFTSSS` is a Fire TV, `after` is not).
fn is_fire_model(word: &[u8], prefix: &[u8]) -> bool {
    word.len() >= 4
        && word.starts_with(prefix)
        && word.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn ends_with(word: &[u8], suffix: &[u8]) -> bool {
    word.len().checked_sub(suffix.len()).is_some_and(|at| word[at..].eq_ignore_ascii_case(suffix))
}

fn without_number(word: &[u8]) -> &[u8] {
    let end = word.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |last| last + 1);
    &word[..end]
}

fn leads_with_any(text: &[u8], names: &[&str]) -> bool {
    names.iter().any(|name| leads_with(text, name))
}

/// Whether `text` begins with the whole word or words `name`, in any case.
fn leads_with(text: &[u8], name: &str) -> bool {
    text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
        && !text.get(name.len()).is_some_and(u8::is_ascii_alphanumeric)
}

fn position(text: &[u8], from: usize, test: impl Fn(u8) -> bool) -> Option<usize> {
    text[from..].iter().position(|byte| test(*byte)).map(|at| from + at)
}

/// A lower-case copy of a word, on the stack. Longer words than any known one are kept as empty, which
/// matches nothing.
#[derive(Clone, Copy, Default)]
struct Lower {
    bytes: [u8; 24],
    len: usize,
}

impl Lower {
    fn of(word: &[u8]) -> Self {
        let mut lower = Self::default();
        if let Some(room) = lower.bytes.get_mut(..word.len()) {
            room.copy_from_slice(word);
            room.make_ascii_lowercase();
            lower.len = word.len();
        }
        lower
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    const CLASSES: [&str; 8] = ["desktop", "mobile", "tablet", "tv", "console", "bot", "tool", "app"];

    struct Row {
        line: usize,
        expected: DeviceType,
        class: String,
        user_agent: String,
    }

    fn table() -> Vec<Row> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/model/user_agent/vectors.tsv");
        let text = std::fs::read_to_string(path).expect("the table of user agents is readable");
        let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        lines
            .map(|(index, line)| {
                let fields: Vec<&str> = line.split('\t').collect();
                let [expected, class, user_agent] = fields[..] else {
                    panic!("line {} does not have three columns", index + 1);
                };
                assert!(CLASSES.contains(&class), "line {}: unknown class {class}", index + 1);
                Row {
                    line: index + 1,
                    expected: expected.parse().expect("a device type"),
                    class: class.to_owned(),
                    user_agent: user_agent.to_owned(),
                }
            })
            .collect()
    }

    #[test]
    fn every_row_of_the_table_is_right() {
        let wrong: Vec<String> = table()
            .iter()
            .filter(|row| DeviceType::of_user_agent(&row.user_agent) != row.expected)
            .map(|row| {
                let got = DeviceType::of_user_agent(&row.user_agent);
                format!(
                    "line {}: {} is not {}: {}",
                    row.line,
                    got.as_str(),
                    row.expected.as_str(),
                    row.user_agent
                )
            })
            .collect();
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    }

    #[test]
    fn the_table_is_wide_and_without_repetition() {
        let rows = table();
        assert!(rows.len() >= 130, "{} rows", rows.len());
        let mut per_class = BTreeMap::new();
        for row in &rows {
            *per_class.entry(row.class.as_str()).or_insert(0) += 1;
        }
        for class in CLASSES {
            assert!(per_class.get(class).is_some_and(|count| *count >= 5), "few rows of class {class}");
        }
        let distinct: BTreeSet<&str> = rows.iter().map(|row| row.user_agent.as_str()).collect();
        assert_eq!(distinct.len(), rows.len());
    }

    #[test]
    fn case_does_not_matter_except_in_model_codes() {
        for row in
            table().iter().filter(|row| !row.user_agent.contains("AFT") && !row.user_agent.contains("KF"))
        {
            let lower = row.user_agent.to_ascii_lowercase();
            assert_eq!(DeviceType::of_user_agent(&lower), row.expected, "{lower}");
            let upper = row.user_agent.to_ascii_uppercase();
            assert_eq!(DeviceType::of_user_agent(&upper), row.expected, "{upper}");
        }
    }

    #[test]
    fn text_that_names_no_device_is_unknown() {
        for text in
            ["", " ", "-", "Mozilla/5.0", "nodes", "curly/1", "été", "日本語", "\u{0}\u{7f}", "+", "http"]
        {
            assert_eq!(DeviceType::of_user_agent(text), DeviceType::Unknown, "{text:?}");
        }
    }

    /// A fixed sequence of numbers that look random (xorshift), so that a failure repeats.
    struct Sequence(u64);

    impl Sequence {
        fn below(&mut self, bound: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % bound as u64) as usize
        }
    }

    #[test]
    fn no_cut_or_changed_string_panics() {
        let inserts = ['\0', '+', '(', '/', ' ', '9', 'é', '日', '\u{1f4f1}', '\u{10ffff}'];
        let mut sequence = Sequence(0x9e37_79b9_7f4a_7c15);
        for row in table() {
            let text = &row.user_agent;
            for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                DeviceType::of_user_agent(&text[..at]);
                DeviceType::of_user_agent(&text[at..]);
                let mut changed: Vec<char> = text[..at].chars().collect();
                changed.insert(sequence.below(changed.len() + 1), inserts[sequence.below(inserts.len())]);
                let hit = sequence.below(changed.len());
                changed[hit] = inserts[sequence.below(inserts.len())];
                DeviceType::of_user_agent(&changed.into_iter().collect::<String>());
            }
        }
    }

    #[test]
    fn long_strings_are_read_to_the_end() {
        let long = "a".repeat(1 << 20);
        assert_eq!(DeviceType::of_user_agent(&long), DeviceType::Unknown);
        assert_eq!(DeviceType::of_user_agent(&format!("{long}bot")), DeviceType::Bot);
        assert_eq!(DeviceType::of_user_agent(&format!("{} iPad", "; ".repeat(1 << 20))), DeviceType::Tablet);
    }
}
