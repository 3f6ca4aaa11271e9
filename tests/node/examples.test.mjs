// The example programs that need no server run to their end.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const QUICKSTART = fileURLToPath(new URL("../../examples/node/quickstart.mjs", import.meta.url));

test("the quickstart runs and prints what it did", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [QUICKSTART], { encoding: "utf8" });
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
