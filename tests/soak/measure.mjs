// What the processes and the database hold, and the rule by which that counts as flat.
import { readdirSync, readFileSync, statSync } from "node:fs";

const MB = 2 ** 20;

function sizeOf(path) {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

/** A line of /proc/PID/status, such as `VmRSS`, as its number. */
function statusOf(pid, name) {
  const line = new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line[1]);
}

/** Sums over the processes that last; sizes in MB. */
export function measure(ms, database, hosts, answers) {
  const pids = hosts.map((host) => host.process.pid);
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const { rows, databaseBytes } = answers[0];
  return {
    seconds: Math.round(ms / 1_000),
    rss: sum(pids.map((pid) => statusOf(pid, "VmRSS"))) / 1_024,
    heap: sum(answers.map(({ heap }) => heap)) / MB,
    descriptors: sum(pids.map((pid) => readdirSync(`/proc/${pid}/fd`).length)),
    threads: sum(pids.map((pid) => statusOf(pid, "Threads"))),
    log: sizeOf(`${database}-wal`) / MB,
    database: databaseBytes / MB,
    rows,
  };
}

/** For each figure: how much more than in the third quarter of the run there may be in the last one, as a share and as an amount. */
const RULES = [
  { what: "memory (RSS) of three processes, MB", key: "rss", share: 0.05, amount: 6 },
  { what: "heaps after a collection, MB", key: "heap", share: 0.05, amount: 2 },
  { what: "descriptors", key: "descriptors", share: 0, amount: 6 },
  { what: "threads", key: "threads", share: 0, amount: 3 },
  { what: "write-ahead log, MB", key: "log", share: 0.5, amount: 1 },
  { what: "database file, MB", key: "database", share: 0.15, amount: 0.5 },
];

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

const rounded = (value) => Math.round(value * 100) / 100;

/** The first half warms up; then the medians of the third and the last quarter are compared. */
export function judge(samples) {
  const quarter = Math.floor(samples.length / 4);
  const [third, last] = [samples.slice(-2 * quarter, -quarter), samples.slice(-quarter)];
  return RULES.map(({ what, key, share, amount }) => {
    const [before, after] = [third, last].map((part) => median(part.map((sample) => sample[key])));
    const bound = before * (1 + share) + amount;
    return {
      what,
      before: rounded(before),
      after: rounded(after),
      bound: rounded(bound),
      holds: after <= bound,
    };
  });
}
