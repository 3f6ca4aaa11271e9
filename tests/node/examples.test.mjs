// The example programs that need no server run to their end.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { makeFolder } from "./fixture.mjs";

const example = (name) => fileURLToPath(new URL(`../../examples/node/${name}`, import.meta.url));

test("the quickstart runs and prints what it did", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [example("quickstart.mjs")], {
    encoding: "utf8",
  });
  assert.deepEqual([status, stderr], [0, ""]);
  assert.deepEqual(
    stdout
      .replace(/until .*|ses_\w+/g, "…")
      .trimEnd()
      .split("\n"),
    [
      "signed in on mobile …",
      "request of usr_ada as member",
      "device … mobile 203.0.113.42",
      "refresh after revoking: session_revoked 401",
    ],
  );
});

test("a shard is split, and every user stays signed in", (t) => {
  const folder = makeFolder(t);
  const databases = [`${folder}/west.db`, `${folder}/east.db`];
  const { status, stdout, stderr } = spawnSync(process.execPath, [example("shards.mjs"), ...databases], {
    encoding: "utf8",
  });
  assert.deepEqual([status, stderr], [0, ""]);
  assert.equal(stdout, "copied 2 sessions\ntnt_acme is on west and tnt_zenith on east\n");
});
