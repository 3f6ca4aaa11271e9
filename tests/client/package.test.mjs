// The package as it is published: its weight, what a bundler leaves out, its types and its files.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const WORKSPACE = fileURLToPath(new URL("../../npm", import.meta.url));
const manifest = JSON.parse(readFileSync(new URL("../../npm/client/package.json", import.meta.url), "utf8"));

/** Bundles a module as a web application does; resolves to what the browser loads. */
async function bundle(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: WORKSPACE },
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
  });
  return outputFiles[0].text;
}

test("the client weighs 4 KB at most, compressed", async () => {
  const size = gzipSync(await bundle('export { createClient } from "@hellojohn/client";')).length;
  assert.ok(size <= 4096, `${size} bytes`);
});

test("what a program does not use is left out of its bundle", async () => {
  const text = await bundle('export { HelloJohnError } from "@hellojohn/client";');
  assert.ok(!text.includes("/v1/"), text);
});

test("the package needs no other", () => {
  assert.equal(manifest.dependencies, undefined);
  assert.equal(manifest.peerDependencies, undefined);
});

for (const name of ["client", "react"]) {
  test(`the tarball of @hellojohn/${name} holds what its package.json says`, () => {
    const options = { cwd: WORKSPACE, encoding: "utf8" };
    execFileSync(process.execPath, ["node_modules/publint/src/cli.js", name, "--strict"], options);
    const [{ files }] = JSON.parse(
      execFileSync("npm", ["pack", "--json", "--dry-run", `./${name}`], options),
    );
    const paths = files.map(({ path }) => path);
    for (const wanted of ["README.md", "package.json", "dist/index.js", "dist/index.d.ts"]) {
      assert.ok(paths.includes(wanted), `${wanted} is missing`);
    }
    assert.deepEqual(
      paths.filter(
        (path) =>
          !/^(dist\/.*\.(js|d\.ts(\.map)?)|src\/.*\.tsx?|styles\.css|README\.md|package\.json)$/.test(path),
      ),
      [],
    );
  });
}
