// What a run has found, as a line and as docs/CLUSTER.md.
import { execFileSync } from "node:child_process";
import { cpus, loadavg, totalmem } from "node:os";
import { TIMES } from "./machines.mjs";
import { BUSY_TIMEOUT } from "./tenants.mjs";

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
const number = (value) => value.toLocaleString("en-US");

export const plain = (row) =>
  `${row.name}: ${row.calls} calls, ${row.failures.length} failed, ${row.live} live and ${row.revoked} revoked checked, ` +
  `${row.lost.length} lost, ${row.revived.length} revived, longest call ${seconds(row.longestCall)}, ` +
  `longest time without an answer ${seconds(row.longestGap)}; ${row.seconds.toFixed(0)} s in all`;

/** The version of a Debian package. */
const version = (name) =>
  execFileSync("dpkg-query", ["-W", name], { encoding: "utf8" }).trim().split("\t")[1];

const cells = (...values) => `| ${values.join(" | ")} |`;

export function markdown(rows) {
  const postgres = /\/postgresql\/(\d+)\//.exec(process.env.HJ_PG_BIN)?.[1];
  const packages = [`postgresql-${postgres}`, "patroni", "etcd-server"].map(
    (name) => `${name} ${version(name)}`,
  );
  return `# A highly available cluster, under faults

Written by \`make cluster\` from what it measured; no figure was typed by hand.

Three nodes of Patroni and PostgreSQL, replicating synchronously (\`synchronous_mode\`, \`synchronous_mode_strict\`), and two Node processes
that serve the REST API over them by one URL that names all three, without a proxy between. The load signs users in, refreshes through
either host, also in a tenant with \`refresh_reuse_window: 0s\`, and revokes. After each fault, when the cluster is whole again, every refresh
token that was acknowledged last must be good, and every session whose end was acknowledged must be refused.

${cells("Fault", "Calls", "Failed", "Live, checked", "Lost", "Revoked, checked", "Revived", "Longest call", "Longest time without any answer")}
${cells(...Array(9).fill("---"))}
${rows
  .map((row) =>
    cells(
      row.name,
      number(row.calls),
      number(row.failures.length),
      number(row.live),
      number(row.lost.length),
      number(row.revoked),
      number(row.revived.length),
      seconds(row.longestCall),
      seconds(row.longestGap),
    ),
  )
  .join("\n")}

${rows.map(({ name, how }) => `- ${name[0].toUpperCase()}${name.slice(1)}: ${how}.`).join("\n")}

A dead or cut-off leader is replaced when its lease at etcd has run out: after \`ttl\`, here ${TIMES.ttl} s (\`loop_wait\` ${TIMES.loop_wait} s, \`retry_timeout\`
${TIMES.retry_timeout} s). That is most of the longest call. The hosts wait that long because they were opened with \`busyTimeout: "${BUSY_TIMEOUT}"\`;
with the default of 5 seconds the calls of that time fail with \`storage_io\` instead, and the client decides when to try again.

Each node has a network namespace of its own, joined by a bridge, so that pulling its cable drops packets silently, as a real one does. etcd
is one process beside the hosts, standing in for a cluster of three elsewhere. All of it runs on one computer: ${cpus().length} × ${cpus()[0].model.trim()},
${Math.round(totalmem() / 2 ** 30)} GB, load ${loadavg()[0].toFixed(1)} at the end of the run. Packages: ${packages.join(", ")}, Node ${process.version}.
`;
}
