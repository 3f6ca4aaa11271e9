// What a soak has found, as a line and as docs/SOAK.md.
import { cpus, loadavg } from "node:os";

const number = (value) => value.toLocaleString("en-US");
const mb = (value) => value.toFixed(1);
const row = (...cells) => `| ${cells.join(" | ")} |`;

/** What a reader calls the operations whose names say too little. */
const OPERATIONS = { dead: "tokens of ended sessions", garbage: "texts that are no token" };

/** Bytes of the file for each record of a session. */
const perRow = ({ database, rows }) => (rows ? Math.round((database * 2 ** 20) / rows) : 0);

export const plain = (sample) =>
  `${sample.seconds} s: RSS ${mb(sample.rss)} MB, heaps ${mb(sample.heap)} MB, ${sample.descriptors} descriptors, ` +
  `${sample.threads} threads, log ${mb(sample.log)} MB, file ${mb(sample.database)} MB, ${sample.rows} rows of ${perRow(sample)} bytes`;

export function markdown({ seconds, samples, counts, replaced, posts, verdicts }) {
  const every = Math.max(1, Math.floor(samples.length / 12));
  const shown = samples.filter((_, index) => (index + 1) % every === 0);
  const operations = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const isBusy = loadavg()[0] > 1.2; // of which the load itself is about a half
  const names = Object.entries(counts).toSorted((a, b) => b[1] - a[1]);
  return `# A long run

Written by \`make soak\` from what it measured, without a violation; no figure was typed by hand.

Four Node processes of \`node:cluster\` on one database file, for **${(seconds / 60).toFixed(0)} minutes**, with two callers each: ${number(operations)} operations
(${names.map(([name, count]) => `${OPERATIONS[name] ?? name} ${number(count)}`).join(", ")}). A webhook posted ${number(posts)} events to a receiver, each process
did its maintenance, and ${replaced} times one of the processes was replaced, every other time by SIGKILL.

Every answer was checked: the cap's victims, the lists, and after each sign-in, refresh, change and end what another process answers on its
very next call. Every backup was whole. No event was missing at the receiver, nor out of order.

## What the processes held

Sums over the three processes that were not replaced; heaps after a garbage collection; "Log" is the write-ahead log, "Rows" the records of sessions.

${row("Second", "RSS, MB", "Heaps, MB", "Descriptors", "Threads", "Log, MB", "File, MB", "Rows", "Bytes of the file for each row")}
${row(...Array(9).fill("---:"))}
${shown
  .map((sample) =>
    row(
      number(sample.seconds),
      mb(sample.rss),
      mb(sample.heap),
      sample.descriptors,
      sample.threads,
      mb(sample.log),
      mb(sample.database),
      number(sample.rows),
      number(perRow(sample)),
    ),
  )
  .join("\n")}

## The rule

The first half of the run warms up. Then the median of the last quarter may exceed that of the third quarter by a bound that is fixed in
\`tests/soak/measure.mjs\`; more than that is a violation.

${row("Figure", "Third quarter", "Last quarter", "At most")}
${row("---", "---:", "---:", "---:")}
${verdicts.map(({ what, before, after, bound }) => row(what, before, after, bound)).join("\n")}

On a computer with ${cpus().length} × ${cpus()[0].model.trim()}${isBusy ? ", which did other work at the same time" : ""}; Node ${process.version}.
`;
}
