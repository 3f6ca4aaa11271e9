// The addon's interface is written down in TypeScript by hand: it must name what the addon has.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const findFile = (path) => fileURLToPath(new URL(`../../npm/node/${path}`, import.meta.url));
const addon = createRequire(import.meta.url)(
  process.env.HELLOJOHN_NODE_ADDON ?? findFile("native/hellojohn.node"),
);
const source = readFileSync(findFile("src/internal/native_types.ts"), "utf8");

function readMemberNames(name) {
  const [, body] = new RegExp(`^export interface ${name} \\{\n(.*?)^\\}`, "ms").exec(source);
  return [...body.matchAll(/^ {2}(\w+)(?=\(|: new \()/gm)].map(([member]) => member.trim()).sort();
}

test("native_types.ts names the functions and classes of the addon", () => {
  assert.deepEqual(readMemberNames("Addon"), Object.keys(addon).sort());
});

for (const name of ["NativeTenant", "NativeClock", "NativeProgress", "Rest"]) {
  test(`native_types.ts names the methods of ${name}`, () => {
    const methods = Object.getOwnPropertyNames(addon[name].prototype).filter((it) => it !== "constructor");
    assert.deepEqual(readMemberNames(name), methods.sort());
  });
}
