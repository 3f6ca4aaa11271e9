// One source file with all of its mutants in it: the body of a function becomes a `match` over the number of the mutant that a
// run has chosen, with a whole mutated body in each arm and the original one in the last.

/** Offset of a line and column, both from 1, columns in characters. */
function offsetsOf(text) {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return ({ line, column }) => {
    const rest = text.slice(starts[line - 1]);
    return (
      starts[line - 1] +
      Array.from(rest.slice(0, 1_000))
        .slice(0, column - 1)
        .join("").length
    );
  };
}

/** Where the body's brace opens: the first one outside of comments, parentheses and brackets. */
function openingBrace(text, from) {
  let depth = 0;
  for (let at = from; ; at += 1) {
    if (text.startsWith("//", at)) at = text.indexOf("\n", at);
    if ("([".includes(text[at])) depth += 1;
    if (")]".includes(text[at])) depth -= 1;
    if (text[at] === "{" && depth === 0) return at;
  }
}

/** The text with one mutant in place of the original. */
export function mutated(text, mutant) {
  const offset = offsetsOf(text);
  const [start, end] = [offset(mutant.span.start), offset(mutant.span.end)];
  return text.slice(0, start) + mutant.replacement + text.slice(end);
}

/**
 * The text with all of these mutants, and for each line of it the mutants that an error there concerns: one in its own arm, all of
 * the function in the rest of it.
 */
export function switched(text, mutants) {
  const offset = offsetsOf(text);
  const functions = new Map();
  for (const mutant of mutants) {
    const [start, end] = [offset(mutant.function.span.start), offset(mutant.function.span.end)];
    const outer = [...functions.values()].find((one) => one.start <= start && end <= one.end);
    if (outer) outer.mutants.push(mutant);
    else functions.set(start, { start, end, mutants: [mutant] });
  }
  let [result, done] = ["", 0];
  const concerned = [];
  const lineOf = () => result.split("\n").length;
  for (const { start, end, mutants: its } of [...functions.values()].toSorted((a, b) => a.start - b.start)) {
    const open = openingBrace(text, start);
    const body = text.slice(open, end);
    const signature = text.slice(start, open).replace(/\bconst fn\b/, "fn"); // a number that is chosen later is no constant
    result += `${text.slice(done, start)}${signature}{ match crate::mutant::number() {\n`;
    const first = lineOf();
    for (const mutant of its) {
      const [from, to] = [offset(mutant.span.start), offset(mutant.span.end)];
      const arm = lineOf();
      result += `${mutant.number} => ${text.slice(open, from)}${mutant.replacement}${text.slice(to, end)}\n`;
      concerned.push({ from: arm, to: lineOf() - 1, mutants: [mutant], isArm: true });
    }
    result += `_ => ${body}\n} }`;
    concerned.push({ from: first - 1, to: lineOf(), mutants: its });
    done = end;
  }
  return { text: result + text.slice(done), concerned };
}

/** What the crate asks in each switched function. */
export const NUMBER = `pub(crate) fn number() -> u32 {
    static NUMBER: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    *NUMBER.get_or_init(|| std::env::var("HJ_MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(0))
}
`;
