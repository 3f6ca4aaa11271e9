// The table of docs/TORTURE.md: a row for each campaign and commit, to which each part that has ended is added.

const HEAD = ["Campaign", "What was tried", "Rounds", "Which", "Violations", "Time", "Last run", "Commit"];
const RULE = "|---|---|---|---|---|---:|---|---|";
const NONE = "none";

const line = (cells) => `| ${cells.join(" | ")} |`;

/** Ranges of rounds in order, those that touch or overlap as one. */
export function merge(ranges) {
  const merged = [];
  for (const { from, to } of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged;
}

const count = (ranges) => ranges.reduce((sum, { from, to }) => sum + to - from, 0);

const writeRanges = (ranges) =>
  ranges.map(({ from, to }) => (to === from + 1 ? `${from}` : `${from}–${to - 1}`)).join(", ");

function readRanges(text) {
  const found = [...text.matchAll(/(\d+)(?:–(\d+))?/g)];
  return found.map(([, first, last = first]) => ({ from: Number(first), to: Number(last) + 1 }));
}

const writeTime = (seconds) =>
  seconds < 60
    ? `${seconds} s`
    : `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;

function readTime(text) {
  const [, minutes = 0, seconds] = /^(?:(\d+) min )?(\d+) s$/.exec(text) ?? [];
  if (seconds === undefined) throw new Error(`no time: ${text}`);
  return Number(minutes) * 60 + Number(seconds);
}

/** Whether all rounds of a row are among these; as many, where it does not say which. */
function isCovered(cells, ranges) {
  const rounds = readRanges(cells[3]);
  if (rounds.length === 0) return Number(/^\d+/.exec(cells[2])?.[0] ?? 0) <= count(ranges);
  return rounds.every((one) => ranges.some((range) => range.from <= one.from && one.to <= range.to));
}

/** Where the table stands among the lines of the document. */
function find(lines) {
  const head = lines.indexOf(line(HEAD));
  if (head < 0 || lines[head + 1] !== RULE) throw new Error("docs/TORTURE.md has no table of campaigns");
  let end = head + 2;
  while (lines[end]?.startsWith("|")) end += 1;
  const rows = lines.slice(head + 2, end).map((row) => row.slice(2, -2).split(" | "));
  for (const cells of rows) {
    if (cells.length !== HEAD.length) throw new Error(`a row has ${cells.length} cells: ${line(cells)}`);
  }
  return { head, end, rows };
}

const quoted = (name) => `\`${name}\``;

function rowOf(rows, name, commit) {
  return rows.find((cells) => cells[0] === quoted(name) && cells[7] === quoted(commit));
}

/** The rounds of a campaign that ended without a violation at this commit. */
export function triedAt(document, name, commit) {
  const row = rowOf(find(document.split("\n")).rows, name, commit);
  return row ? readRanges(row[3]) : [];
}

/**
 * The document with one more part: added to the row of its campaign and commit. A part with a violation is named and not counted, so
 * that it is run again. A row of another commit leaves when this one has tried the same rounds; nothing else of the document changes.
 */
export function addPart(document, campaigns, { name, commit, from, to, failed, seconds, date }) {
  const campaign = campaigns.find((one) => one.name === name);
  const lines = document.split("\n");
  const { head, end, rows } = find(lines);
  const old = rowOf(rows, name, commit);
  const part = { from, to };
  const tried = merge([...(old ? readRanges(old[3]) : []), ...(failed ? [] : [part])]);
  const violated = merge([...(old && old[4] !== NONE ? readRanges(old[4]) : []), ...(failed ? [part] : [])]);
  const row = [
    quoted(name),
    campaign.what,
    `${count(tried)} of ${campaign.rounds}`,
    writeRanges(tried) || "–",
    violated.length === 0 ? NONE : `**in ${writeRanges(violated)}**`,
    writeTime((old ? readTime(old[5]) : 0) + seconds),
    date,
    quoted(commit),
  ];
  const stays = (cells) => cells !== old && (cells[0] !== quoted(name) || !isCovered(cells, tried));
  const kept = rows.filter(stays);
  // In the order of the campaigns; of two rows of one, the older one first.
  const place = (cells) => campaigns.findIndex((one) => quoted(one.name) === cells[0]);
  const before = kept.filter((cells) => place(cells) <= place(row));
  const after = kept.filter((cells) => place(cells) > place(row));
  lines.splice(head + 2, end - head - 2, ...[...before, row, ...after].map(line));
  return lines.join("\n");
}
