// The hosts of npm/node/README.md run as they are written there; and the frameworks' own types accept the mounts.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { getRequestListener } from "@hono/node-server";
import { makeFolder, program } from "./fixture.mjs";
import { ADA, call, listen, signIn } from "./hosts.mjs";

const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

test("the hosts of the README work as written", async (t) => {
  const blocks = readFileSync(at("npm/node/README.md"), "utf8").match(/(?<=^```js\n).*?(?=^```$)/gms);
  const [shown] = blocks.filter((block) => block.includes("createServer"));
  const home = makeFolder(t);
  symlinkSync(at("node_modules"), join(home, "node_modules"));
  const file = join(home, "readme.mjs");
  const users = `const users = { findByPassword: async (email, password) =>
    email === "${ADA.email}" && password === "${ADA.password}" ? { id: "usr_ada", role: "admin" } : null };\n`;
  writeFileSync(file, `${users}${shown}\nexport { app, hj, hono, instance, server };\n`);
  Object.assign(process.env, {
    HELLOJOHN_DATABASE: join(home, "sessions.db"),
    HELLOJOHN_SECRET_KEY: "sk_live_readme_3Vb7Kq9Mx2Wn5Tz8",
  });
  const { app, hj, hono, instance, server } = await import(pathToFileURL(file));
  t.after(() => hj.close());
  await instance.ready();
  const hosts = {
    express: createServer(app),
    fastify: instance.server,
    hono: createServer(getRequestListener(hono.fetch)),
  };
  for (const [name, host] of Object.entries(hosts)) {
    const base = await listen(t, host);
    const grant = await signIn(base);
    const authorization = `Bearer ${grant.access_token}`;
    const me = await call(base, "GET", "/me", { headers: { authorization } });
    assert.deepEqual([me.status, me.body.userId, me.body.role], [200, "usr_ada", "admin"], name);
    assert.equal((await call(base, "GET", "/me")).status, 401, name);
    const wrong = { ...ADA, password: "wrong" };
    assert.equal((await call(base, "POST", "/v1/auth/sign-in", { json: wrong })).status, 401, name);
  }
  assert.equal((await signIn(await listen(t, server))).session.user_id, "usr_ada");
});

test("the frameworks' types accept the mounts", () => {
  const options = [
    "--ignoreConfig",
    "--noEmit",
    "--strict",
    "--exactOptionalPropertyTypes",
    "--skipLibCheck",
    "--experimentalDecorators",
  ];
  const target = ["--target", "ES2022", "--module", "Node16", "--moduleResolution", "Node16"];
  const types = ["--typeRoots", at("npm/node_modules/@types"), "--types", "node"];
  const checked = spawnSync(
    at("npm/node_modules/.bin/tsc"),
    [...options, ...target, ...types, program("hosts.mts")],
    { encoding: "utf8" },
  );
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
});
