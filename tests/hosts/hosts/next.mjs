// The route handler of the README, in development and production, and in the folder that a container gets.
import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { findPort, MODULES, ROOT, readVersion, run, withServer } from "../tools.mjs";

const version = readVersion("next");
const NEXT = join(MODULES, "next/dist/bin/next");
const APP = join(ROOT, "apps/next");
const APP_MODULE = join(APP, "lib/hellojohn.js");

async function call(port, method, path, token, body) {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body && { "content-type": "application/json" }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text;
}

/** Signs in by REST, asks a guarded route and a page, refreshes and signs out. */
async function useApp(port) {
  const credentials = { email: "usr_ada", password: "correct horse" };
  const signedIn = JSON.parse(await call(port, "POST", "/api/v1/auth/sign-in", null, credentials));
  const me = JSON.parse(await call(port, "GET", "/me", signedIn.access_token));
  if (me.userId !== "usr_ada") throw new Error(`me: ${JSON.stringify(me)}`);
  const page = await call(port, "GET", "/");
  if (!/active sessions: (<!-- -->)?[1-9]/.test(page)) throw new Error(page);
  const presented = { refresh_token: signedIn.refresh_token };
  const refreshed = JSON.parse(await call(port, "POST", "/api/v1/auth/token/refresh", null, presented));
  const listed = JSON.parse(await call(port, "GET", "/api/v1/sessions", refreshed.access_token));
  if (listed.data.length < 1) throw new Error("the list is empty");
}

/** Opens a page that the server rendered, and lets the browser take it over. */
async function hydrate(port) {
  const rendered = await call(port, "GET", "/devices");
  if (!rendered.includes("Loading your devices")) throw new Error(rendered);
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    const problems = [];
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    page.on("pageerror", (error) => problems.push(error.message));
    // The development server takes no other name for its own.
    await page.goto(`http://localhost:${port}/devices`);
    await page.getByText("You are signed out.").waitFor();
    await page.getByRole("button", { name: "signed_out" }).click();
    await page.getByText("This device", { exact: true }).last().waitFor();
    if (problems.length > 0) throw new Error(problems.join("\n"));
  } finally {
    await browser.close();
  }
}

async function serve(command, { folder, cwd = APP, env = {} }, use = useApp) {
  const port = await findPort();
  const options = {
    cwd,
    ready: "Ready",
    env: {
      ...env,
      PORT: String(port),
      HOSTNAME: "127.0.0.1",
      HELLOJOHN_DATABASE: join(folder, "sessions.db"),
    },
  };
  await withServer(process.execPath, command, options, (server) => use(port, server));
}

function build(env = {}) {
  rmSync(join(APP, ".next"), { recursive: true, force: true });
  run(process.execPath, [NEXT, "build"], { cwd: APP, env });
}

/** The processes that a server started, itself included. */
function findProcesses(group) {
  return readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const status = readFileSync(`/proc/${name}/stat`, "utf8");
      return Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[2]) === group;
    } catch {
      return false; // it has ended
    }
  });
}

function countDatabaseDescriptors(server, folder) {
  const found = findProcesses(server.pid).flatMap((pid) => run("ls", ["-l", `/proc/${pid}/fd`]).split("\n"));
  return found.filter((line) => line.includes(folder)).length;
}

/** Saves the module 24 times, as a developer does, and asks the server each time. */
async function reload(folder, port, server) {
  const original = readFileSync(APP_MODULE, "utf8");
  try {
    await useApp(port);
    const before = countDatabaseDescriptors(server, folder);
    for (let save = 0; save < 24; save += 1) {
      writeFileSync(APP_MODULE, `${original}export const save = ${save};\n`);
      await useApp(port);
    }
    const after = countDatabaseDescriptors(server, folder);
    if (before === 0 || after > before + 12) throw new Error(`${before} descriptors, then ${after}`);
  } finally {
    writeFileSync(APP_MODULE, original);
  }
}

const standalone = async ({ folder }, env) => {
  build({ ...env, HOST_STANDALONE: "1" });
  // Away from the project, as in a container: only what Next found out to be needed.
  const copy = join(folder, "standalone");
  cpSync(join(APP, ".next/standalone"), copy, { recursive: true, verbatimSymlinks: true });
  await serve(["server.js"], { folder, cwd: join(copy, "apps/next") });
};

export const hosts = [
  {
    name: "Next",
    version,
    way: "`next dev` with the README's route, the module saved 24 times",
    test: ({ folder }) => {
      rmSync(join(APP, ".next"), { recursive: true, force: true });
      return serve([NEXT, "dev"], { folder }, async (port, server) => {
        await reload(folder, port, server);
        await hydrate(port);
      });
    },
  },
  {
    name: "Next",
    version,
    way: "`next build` and `next start`, and `@hellojohn/react`, rendered by the server, taken over by Chromium",
    test: ({ folder }) => {
      build();
      return serve([NEXT, "start"], { folder }, async (port) => {
        await useApp(port);
        await hydrate(port);
      });
    },
  },
  {
    name: "Next",
    version,
    way: '`output: "standalone"`, the folder copied elsewhere',
    test: (context) => standalone(context, {}),
  },
  {
    name: "Next",
    version,
    way: "`next build` and `next start` without `serverExternalPackages`",
    test: ({ folder }) => {
      const env = { HOST_WITHOUT_SETTING: "1" };
      build(env);
      return serve([NEXT, "start"], { folder, env });
    },
  },
  {
    name: "Next",
    version,
    way: '`output: "standalone"` without `serverExternalPackages`: the error says what to set',
    test: (context) =>
      assert.rejects(
        standalone(context, { HOST_WITHOUT_SETTING: "1" }),
        /no addon for this machine[\s\S]*serverExternalPackages: \["@hellojohn\/node"\] in Next/,
      ),
  },
];
