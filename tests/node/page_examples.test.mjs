// The examples of pages, each as its own program: a browser's cookies alone sign in, are renewed and sign out.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { makeFolder, sleep } from "./fixture.mjs";

const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const CREDENTIALS = JSON.stringify({ email: "ada@example.com", password: "correct horse" });

/** Starts an example; resolves to its address. */
async function start(t, program) {
  const database = join(makeFolder(t), "sessions.db");
  const env = { ...process.env, ACCESS_TOKEN_TTL: "1s" };
  const options = { env, stdio: ["ignore", "pipe", "inherit"] };
  const server = spawn(process.execPath, [program, database, "localhost:0"], options);
  t.after(async () => {
    const closed = once(server, "close");
    server.kill("SIGTERM");
    assert.deepEqual(await closed, [0, null], "it ends in order");
  });
  for await (const line of createInterface(server.stdout)) return line.replace("listening on ", "");
  return assert.fail("the example ended");
}

const OWN = { "sec-fetch-site": "same-origin" };

async function useExample(t, program) {
  const base = await start(t, program);
  const jar = new Map();
  const ask = async (method, path, headers = OWN, body = null) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const sent = {
      ...headers,
      ...(cookie && { cookie }),
      ...(body && { "content-type": "application/json" }),
    };
    const answer = await fetch(base + path, {
      method,
      headers: sent,
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(20_000),
    });
    for (const set of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(set);
      if (value === "") jar.delete(name);
      else jar.set(name, value);
    }
    return { status: answer.status, text: await answer.text(), location: answer.headers.get("location") };
  };

  assert.match((await ask("GET", "/")).text, /not signed in/);
  assert.equal((await ask("GET", "/account")).status, 401);
  assert.equal((await ask("POST", "/v1/auth/sign-in", OWN, CREDENTIALS)).status, 200);
  assert.deepEqual([...jar.keys()].sort(), ["hj_access_token", "hj_refresh_token"]);
  assert.match((await ask("GET", "/")).text, /Signed in as usr_ada/);
  const before = new Map(jar);
  await sleep(2_100);
  // A link in a mail shows the page and rotates nothing; the user's own click does.
  const link = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
  assert.match((await ask("GET", "/account", link)).text, /<h1>usr_ada/);
  assert.deepEqual(jar, before);
  const pages = await Promise.all(Array.from({ length: 20 }, () => ask("GET", "/account")));
  for (const { status, text } of pages) assert.deepEqual([status, /<h1>usr_ada/.test(text)], [200, true]);
  for (const [name, value] of before) assert.notEqual(jar.get(name), value, name);
  // A form of a page of this host, and one of a page of another host of the domain.
  const form = { ...OWN, "content-type": "application/x-www-form-urlencoded" };
  const posted = await ask("POST", "/account/revoke-others", form);
  assert.deepEqual([posted.status, posted.location], [303, "/account"]);
  const sibling = { ...form, "sec-fetch-site": "same-site" };
  assert.equal((await ask("POST", "/account/revoke-others", sibling)).status, 403);
  const admin = await ask("GET", "/admin");
  assert.deepEqual([admin.status, JSON.parse(admin.text).error.code], [401, "reauthentication_required"]);
  assert.equal((await ask("POST", "/v1/auth/sign-out")).status, 204);
  assert.equal(jar.size, 0);
  assert.equal((await ask("GET", "/account")).status, 401);
}

test("the example for Nest compiles, with its types", () => {
  const compiled = spawnSync(at("npm/node_modules/.bin/tsc"), ["--project", at("examples/nest")], {
    encoding: "utf8",
  });
  assert.equal(compiled.status, 0, compiled.stdout + compiled.stderr);
});

const PROGRAMS = {
  Express: "examples/express/server.mjs",
  Fastify: "examples/fastify/server.mjs",
  Hono: "examples/hono/server.mjs",
  Nest: "build/examples/nest/server.mjs",
};
test("examples of pages", { concurrency: true }, async (t) => {
  const examples = Object.entries(PROGRAMS).map(([name, program]) =>
    t.test(`the example for ${name} serves a browser by cookies`, (subtest) =>
      useExample(subtest, at(program)),
    ),
  );
  await Promise.all(examples);
});
