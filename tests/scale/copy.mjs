// The way from a file to a server, with many sessions: cut off in the middle, taken up again, and what it takes.
import assert from "node:assert/strict";
import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { copyDatabase, HelloJohn } from "@hellojohn/node";
import { signIn } from "../bench/ours.mjs";

const SESSIONS = Number(process.env.HJ_SESSIONS ?? 1_000_000);
const SAMPLE = 2_000;
const CALLERS = 256;

const number = (value) => value.toLocaleString("en-US");

/** Copies in a process of its own; `kill` ends it in the middle. */
async function copy(from, to, { kill = false } = {}) {
  const worker = fork(fileURLToPath(import.meta.url), [from, to]);
  const began = performance.now();
  for (;;) {
    const [[message]] = await Promise.all([once(worker, "message")]);
    const { step, report } = message;
    if (kill && step?.phase === "copy" && step.rows > step.totalRows / 2) {
      worker.kill("SIGKILL");
      await once(worker, "exit");
    }
    if (report || worker.killed) {
      const seconds = ((performance.now() - began) / 1000).toFixed(0);
      const what = report
        ? `${number(report.changedRows)} rows written, ${report.megabytes} MB of memory at most, checksum ${report.checksum.slice(0, 8)}`
        : `killed at row ${number(step.rows)}`;
      console.log(`copy: ${seconds} s, ${what} (load ${loadavg()[0].toFixed(1)})`);
      return report;
    }
  }
}

async function work([from, to]) {
  const onProgress = (step) => process.send({ step });
  const report = await copyDatabase(from, to, { onProgress });
  const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
  process.send({ report: { ...report, megabytes } }, () => process.exit(0));
}

async function measure() {
  const folder = mkdtempSync(join(tmpdir(), "hj-scale-"));
  try {
    const [file, url] = [join(folder, "sessions.db"), process.env.HJ_PG];
    const tenant = { tenantId: "tnt_scale", secretKey: "sk_live_scale_8Kc4Xw7Nt2Qz6Bp1Lm5Y" };
    const source = new HelloJohn({ ...tenant, database: file, durability: "normal" });
    const sample = [];
    let next = 0;
    const caller = async () => {
      for (let n = next++; n < SESSIONS; n = next++) {
        const { refreshToken } = await source.sessions.create(signIn(n));
        if (n % Math.ceil(SESSIONS / SAMPLE) === 0) sample.push(refreshToken);
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
    await source.close();
    const bytes = statSync(file).size;
    console.log(`a file of ${number(SESSIONS)} sessions: ${Math.round(bytes / SESSIONS)} bytes each`);

    await copy(file, url, { kill: true });
    const report = await copy(file, url);
    assert.equal(report.sessions, SESSIONS);
    assert.equal((await copy(file, url)).changedRows, 0);

    const size =
      "SELECT pg_table_size(c.oid), pg_indexes_size(c.oid) FROM pg_class c WHERE oid = 'hellojohn.sessions'::regclass";
    const [table, indexes] = execFileSync("psql", [url, "-qAtXc", size], { encoding: "utf8" })
      .split("|")
      .map(Number);
    const each = (part) => Math.round(part / SESSIONS);
    console.log(`on the server: ${each(table + indexes)} bytes each, ${each(indexes)} of them in indexes`);

    const target = new HelloJohn({ ...tenant, database: url });
    for (const token of sample) await target.sessions.refresh(token);
    console.log(`${number(sample.length)} refresh tokens of the file are good on the server`);
    await target.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv.length > 2) await work(process.argv.slice(2));
else await measure();
