// The example of several databases, over PostgreSQL: `tests/postgres/run node --test tests/postgres/shards.test.mjs`.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const EXAMPLE = fileURLToPath(new URL("../../examples/node/shards.mjs", import.meta.url));

test("a shard on a server is split, and every user stays signed in", () => {
  assert.ok(process.env.HJ_PG, "HJ_PG is not set: tests/postgres/run node --test …");
  const name = randomBytes(6).toString("hex");
  const urls = ["west", "east"].map((shard) => `${process.env.HJ_PG}?schema=hj_${shard}_${name}`);
  const { status, stdout, stderr } = spawnSync(process.execPath, [EXAMPLE, ...urls], { encoding: "utf8" });
  assert.deepEqual([status, stderr], [0, ""]);
  assert.equal(stdout, "copied 2 sessions\ntnt_acme is on west and tnt_zenith on east\n");
});
