// docs/BENCHMARKS.md, from the measured rows alone.
import { BARS, SLOW_SYNC_MS } from "./bars.mjs";
import { median } from "./machine.mjs";

/** What a row's numbers say about its bar. */
export function judge(row) {
  const bar = BARS[row.bar];
  if (!bar) throw new Error(`no bar ${row.bar}`);
  if (row.value !== undefined) {
    return {
      result: `${figure(row.value)} ${bar.unit}`,
      bar: `≤ ${bar.mostValue} ${bar.unit}`,
      reached: row.value <= bar.mostValue,
    };
  }
  const ours = median(row.rounds.map((round) => round.ours));
  const theirs = median(row.rounds.map((round) => round.theirs));
  const times = { ours: `${figure(ours)} µs`, theirs: `${figure(theirs)} µs` };
  if (bar.most !== undefined) {
    const ratios = row.rounds.map((round) => round.ours / round.theirs);
    const ratio = median(ratios);
    return {
      result: `${figure(ratio)}× its time${spread(ratios)}`,
      bar: `≤ ${bar.most}×`,
      reached: ratio <= bar.most,
      ...times,
    };
  }
  const ratios = row.rounds.map((round) => round.theirs / round.ours);
  const ratio = median(ratios);
  const least = row.syncMs >= SLOW_SYNC_MS ? (bar.leastOnSlowDisk ?? bar.least) : bar.least;
  const reached = least === undefined ? null : ratio >= least;
  return {
    result: `${figure(ratio)}× as fast${spread(ratios)}`,
    bar: least === undefined ? "none" : `≥ ${least}×`,
    reached,
    ...times,
  };
}

/** The middle half of the rounds. */
function spread(ratios) {
  const sorted = [...ratios].sort((a, b) => a - b);
  const at = (part) => figure(sorted[Math.round(part * (sorted.length - 1))]);
  return ` (${at(0.25)}–${at(0.75)})`;
}

function figure(value) {
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function line(row) {
  const { result, bar, reached, ours = "–", theirs = "–" } = judge(row);
  const word = reached === null ? "–" : reached ? "yes" : "**no**";
  const id = row.id ?? row.bar.split(" ")[0];
  return `| ${[id, result, bar, word, row.work, ours, theirs, row.against ?? "–"].join(" | ")} |`;
}

export function plain(row) {
  const { result, bar, reached, ours, theirs } = judge(row);
  const word = reached === null ? "" : reached ? "reached" : "NOT reached";
  const times = ours ? `, ${ours} / ${theirs}` : "";
  return `${row.id ?? row.bar}: ${row.work}${row.against ? ` / ${row.against}` : ""}: ${result}${times} (bar ${bar}) ${word}`;
}

/** What the table's labels and columns mean. */
const LEGEND = `
A row's label says what it is about. A **bar** is a target that this project set for itself before it measured; a bar that was
missed stays in the table as **no**. "Ours" is this engine, "theirs" is what stands under "Against".

- P1, P1c, P2: store-backed verification of access tokens in Node, against verifiers that ask no store; P1c beside another process that writes.
- P3, P4: local verification, in Node against jose, in Rust against the bare signature.
- P5, P6, P7: creating and refreshing sessions, against the same work written by hand, and against the bare database and signature.
- P8: sessions in Node, against better-auth, lucia and express-session.
- P9: sessions in Rust, against tower-sessions.
- P10, P11: how time, disk and memory grow with the number of sessions.
- P12: what a sweep costs the calls beside it.
- P13, P14: what one user, one operator or one call costs all others: lists of a user with very many ended sessions, and work
  on very many sessions at once.
- P15: the store over PostgreSQL, against the same work written by hand over the same server.
- P16: a request through a gate that has seen its token before, in a server of its own, against the same route without a gate and behind
  other gates.
- P17: a whole process, from its start to its end.
- P18: what it costs to record events: each create and each revoke tells one, a refresh and a verification none.
`.trim();

/** How the table was made. The rules of the harness, which are the same for every row. */
const METHOD = `
- Both sides of a row take turns within one run, in rounds of calls; the side that goes first changes from round to round.
  Each side warms up first. A time is the median of its rounds. A ratio is the median of the ratios of the rounds, so it may
  differ from the quotient of the two medians. In brackets: the middle half of the rounds.
- After every round the work is checked: rows are counted, every answer is read, rotated tokens differ, a token that was
  exchanged is refused, a revoked session is refused by the very next verification, a forged signature is refused.
- This engine caches what it has read until a process changes that session, the settings or the keys, or another program commits
  anything; then it asks the store again. P1, P2 and the reads of P8 show both cases: a session that was read before, which is what a cache is
  measured by, and one whose cached answer is stale. The verifications of P10 are of tokens that were seen before. P3 and P4
  verify each token once; another engine signed it.
- "In flight" is the number of calls that are outstanding at once: promises in Node, threads in Rust.
- Every store runs on the same disk in write-ahead mode with a checkpoint every 16,000 pages. "Durable" is
  \`synchronous=FULL\` on both sides: an answer is on disk before it is given.
- The write-ahead log of every database is grown to its full size first, as in any database that is some minutes old: while
  it grows, a sync takes several times as long.
- Peers run unchanged and by their shortest path: better-auth without its HTTP layer and without hashing a password,
  express-session's store without Express. Users that list sessions have 5. User agents are real ones.
- P10 to P12: the databases are filled by the engine's own \`create\`, four threads with durability normal, and opened again
  with durability full. The tokens of a sample that is spread over the whole database are kept; random sessions are drawn
  from it. P12 takes five sweeps, each on a tenant of its own, with quiet times between them.
- P13: one user with very many ended sessions sends 64 lists at once, again and again, over REST with his own token, with the
  filter that most of his sessions do not match. "Quiet" is the same process without them.
- P14: all of the sessions are of one user, of users of five where an operator looks for them by a filter. The list is read until it has
  shown 100 sessions or has come to its end. The calls of others are a durable refresh and a read, in turn, by one thread.
- P15: a server of its own with \`fsync\` and \`synchronous_commit\` on, over the loopback device. The work by hand has as many connections as calls
  are in flight, and prepares its statements. Nothing that was read before may answer: another machine may have changed it.
- P16: server and load (autocannon) are processes of their own; 32 connections are kept, and 256 users send requests in turn. Our gate asks
  the store whether the session has changed; fast-jwt and better-auth's cookie cache do not, and express-session's middleware is kept from
  writing at each request. What the gate adds is measured without a server.
- P17: the files are in the system's cache. An empty process says how much of the time is Node's own.
- P5 and P6: where one sync, measured beside the row, takes ${SLOW_SYNC_MS} ms or longer, the disk counts as slow and the higher bar holds.
`.trim();

const HEAD = [
  "| Row | Result | Bar | Reached | Work | Ours, per call | Theirs, per call | Against |",
  "|---|---|---|---|---|---|---|---|",
];

/** The groups of rows, in the order of the document, and their titles there. */
export const GROUPS = {
  verify: "Verifying access tokens in Node",
  writes: "Signing in and refreshing in Node, against work by hand",
  sessions: "Sessions in Node, against its libraries",
  events: "Recording events",
  crowd: "One user with very many sessions",
  gate: "A gate in Express and Fastify",
  cold: "A process that starts",
  postgres: "Over PostgreSQL",
  "rust/limits": "Rust, against the bare signature and statement",
  "rust/tower": "Rust, against tower-sessions",
  "rust/growth": "Growing to millions of sessions",
  "rust/sweep": "Beside a sweep",
  "rust/crowd": "Beside work on many sessions",
  "rust/filters": "Beside work by filters",
};

/** A group of rows that was measured, with what the machine was like when it began. */
function section(group, { mode, machine, rows }) {
  const quick = "**A quick run**: short rounds and small databases, single figures may be off by a third. ";
  const kind = mode === "quick" ? quick : "";
  const state = `The machine's load average before the run: ${machine["load before the run"]}; one sync of the disk (\`fdatasync\`): ${machine["one fdatasync"]}.`;
  return `### ${GROUPS[group]}\n\n${kind}${state}\n\n${[...HEAD, ...rows.map(line)].join("\n")}\n`;
}

/** The groups that a document has, by title. */
function sections(document) {
  const [, results = ""] = document.split(/^## Results$/m);
  const parts = results
    .split(/^## /m)[0]
    .split(/^(?=### )/m)
    .slice(1);
  return new Map(parts.map((part) => [part.slice(4, part.indexOf("\n")), `${part.trimEnd()}\n`]));
}

/** The document in which this group has what was measured now, and the others what they had. */
export function withGroup(document, group, measured) {
  const found = sections(document);
  // Without its peer a group has no rows: the document says that the peer is missing.
  if (measured.rows.length) found.set(GROUPS[group], section(group, measured));
  else found.delete(GROUPS[group]);
  const results = Object.values(GROUPS).flatMap((title) => found.get(title) ?? []);
  const count = (word) => results.join("").split(`| ${word} |`).length - 1;
  const [reached, missed] = [count("yes"), count("**no**")];
  const { machine, peers } = measured;
  const missing = peers.filter((peer) => peer.missing);
  const unmeasured = Object.values(GROUPS).filter((title) => !found.has(title));
  const text = [
    "# Benchmarks",
    "Written by `make bench` from what it measured; no figure was typed by hand. Each group of rows stands as its last run left it.",
    `${reached} of ${reached + missed} bars are reached.`,
    ...(unmeasured.length
      ? [
          `Groups of rows that no full run has measured yet: ${unmeasured.map((title) => `"${title}"`).join(", ")}.`,
        ]
      : []),
    "## Results",
    LEGEND,
    ...results.map((result) => result.trimEnd()),
    "## Machine and versions",
    [
      "| What | Which |",
      "|---|---|",
      ...Object.entries(machine)
        .filter(([what]) => !["load before the run", "one fdatasync"].includes(what))
        .map(([what, which]) => `| ${what} | ${which} |`),
      ...peers
        .flatMap(({ versions }) => Object.entries(versions))
        .map(([name, version]) => `| ${name} | ${version} |`),
    ]
      .filter((entry, at, all) => all.indexOf(entry) === at)
      .join("\n"),
    "## What the others do not do",
    "This engine does: the next call sees a revocation, in every thread and process; nothing in the database can be " +
      "presented as a token; refresh tokens rotate and their reuse is detected; caps and time-outs are exact.",
    peers
      .filter((peer) => !peer.missing)
      .map(({ name, lacks }) => `- **${name}**: ${lacks}.`)
      .join("\n"),
    "## Peers that the last run did not have",
    missing.length
      ? `${missing.map((peer) => `- **${peer.name}**: ${peer.missing}`).join("\n")}\n\nRows against them, where there are any, are of an earlier run.`
      : "None.",
    "## Method",
    METHOD,
  ];
  return `${text.join("\n\n")}\n`;
}
