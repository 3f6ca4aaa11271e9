// Hosts of the dashboard: Express with a tenant of many kinds of sessions; the command line and the examples of axum and C.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { HelloJohn, ManualClock } from "@hellojohn/node";
import express from "express";

export const SECRET_KEY = "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA";
export const TENANT = "tnt_01HABCDEF654321";
/** A fixed instant, so that no picture depends on the day on which it is taken. */
export const NOW = Date.UTC(2026, 0, 20, 8, 15);
const [HOUR, DAY] = [3_600_000, 86_400_000];

const mac = (rest) => `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${rest}`;
const AGENTS = [
  mac("AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"),
  "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Mobile Safari/537.36",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36 Edg/143.0.0.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.2 Mobile/15E148 Safari/604.1",
  mac("AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.2 Safari/605.1.15"),
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:134.0) Gecko/20100101 Firefox/134.0",
  "Acme/7.1 (iPhone; iOS 19.2; Scale/3.00) CFNetwork/3860.200.71 Darwin/25.2.0",
  null,
];
const COUNTRIES = ["BR", "NL", "GB", "FR", "MX", "DE", "ZA", "ES", "JP", "KE"];
const ROLES = ["member", "admin", "member", "owner", null];

/** Sessions of the last days, which begin more often by day, are used and end in each way. */
async function fill(hj, clock, days, aDay) {
  let number = 0;
  const used = [];
  const pick = (list) => list[(number * 7 + (number >> 3)) % list.length];
  for (let day = days; day >= 0; day -= 1) {
    const begin = NOW - (NOW % DAY) - day * DAY;
    const isWeekend = [0, 6].includes(new Date(begin).getUTCDay());
    const count = Math.ceil(aDay * (isWeekend ? 0.6 : 1 + ((day * 7) % 5) / 20));
    for (let index = 0; index < count; index += 1) {
      const part = (index + 0.5) / count;
      const at = begin + DAY * (part + 0.11 * Math.sin(2 * Math.PI * (part - 0.08)));
      if (at >= NOW - 60_000) return clock.set(NOW);
      number += 1;
      clock.set(Math.max(clock.now(), Math.round(at)));
      const { session, refreshToken } = await hj.sessions.create({
        userId: `usr_01JF78HTX0DEBKRA5M${String((number * 131) % 400).padStart(4, "0")}`,
        userAgent: pick(AGENTS),
        ipAddress:
          number % 5 ? `203.0.113.${number % 250}` : `2001:db8:${(number % 900) + 1}::${number % 99}`,
        country: pick(COUNTRIES),
        role: pick(ROLES),
        orgId: number % 3 ? "org_01HABCDEF777666" : null,
        mfaVerified: number % 2 === 0,
        email: `kim${number % 400}@example.com`,
        duration: number % 9 === 0 ? "3d" : null,
      });
      if (number % 4 === 0) await hj.auth.signOut(refreshToken);
      else if (number % 17 === 0) await hj.withActor("ops@example.com").sessions.revoke(session.id);
      else if (number % 301 === 0) await reuse(hj, clock, refreshToken);
      else used.push(refreshToken);
      const token = used.splice((number * 37) % used.length, 1)[0];
      const isOver = () => null;
      const grant = token ? await hj.sessions.refresh(token).catch(isOver) : null;
      if (grant) used.push(grant.refreshToken);
    }
  }
  clock.set(NOW);
}

/** Presents a token that was replaced twice. */
async function reuse(hj, clock, token) {
  const { refreshToken } = await hj.sessions.refresh(token);
  clock.set(clock.now() + 60_000);
  await hj.sessions.refresh(refreshToken);
  await hj.sessions.refresh(token).catch(() => {});
}

/** Express with the dashboard under a mount path. Resolves to the address of the pages. */
export async function serveExpress(t, { days = 30, aDay = 12, config = {} } = {}) {
  const clock = new ManualClock(NOW - 31 * DAY);
  const hj = new HelloJohn({
    tenantId: TENANT,
    secretKey: SECRET_KEY,
    database: ":memory:",
    clock,
    config: { eventRetention: "90d", idleTimeout: "7d", maxSessionsPerUser: 5, ...config },
    durability: "normal",
  });
  await hj.ready();
  t.after(() => hj.close());
  clock.set(NOW - 30 * DAY);
  await hj.keys.rotate();
  await fill(hj, clock, days, aDay);
  clock.set(NOW - 20 * 60_000 > clock.now() ? NOW - 20 * 60_000 : clock.now());
  await hj.withActor("ops@example.com").keys.rotate();
  clock.set(NOW);
  return { hj, clock, address: await mount(t, hj) };
}

/** Serves the pages of a tenant; their address. */
async function mount(t, hj) {
  const app = express();
  app.use("/auth", hj.middleware({ dashboard: true }));
  const server = createServer(app);
  await new Promise((settle) => server.listen(0, "127.0.0.1", settle));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((settle) => server.close(settle));
  });
  return `http://127.0.0.1:${server.address().port}/auth/dashboard/`;
}

/** The same with so many sessions of the last 30 days, of which every fourth has ended; a database in a file keeps them. */
export async function serveMany(t, count, database = ":memory:") {
  const clock = new ManualClock(NOW - 30 * DAY);
  const config = { sessionDuration: "60d" };
  const options = { tenantId: TENANT, secretKey: SECRET_KEY, database, clock, config, durability: "normal" };
  const hj = new HelloJohn(options);
  await hj.ready();
  t.after(() => hj.close());
  const { active, expired, revoked } = (await hj.stats()).sessions;
  for (let made = active + expired + revoked; made < count; made += BATCH) {
    clock.set(NOW - Math.floor(((count - made) / count) * 30 * DAY) + HOUR);
    await Promise.all(
      Array.from({ length: Math.min(BATCH, count - made) }, (_, index) => createNth(hj, made + index)),
    );
  }
  clock.set(NOW + HOUR);
  return { hj, now: NOW + HOUR, active: (await hj.stats()).sessions.active, address: await mount(t, hj) };
}

const BATCH = 512;

async function createNth(hj, number) {
  const { refreshToken } = await hj.sessions.create({
    userId: `usr_${String(number).padStart(6, "0")}`,
    userAgent: AGENTS[number % AGENTS.length],
    ipAddress: number === 1 ? "192.0.2.1" : `203.0.113.${number % 250}`,
    country: COUNTRIES[number % COUNTRIES.length],
    role: ROLES[number % ROLES.length],
    mfaVerified: number % 2 === 0,
  });
  if (number % 4 === 0) await hj.auth.signOut(refreshToken);
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The axum example, as the README starts it; the address of the API. */
export async function serveAxum(t) {
  buildOnce();
  return start(t, `${ROOT}target/debug/examples/axum`);
}

/** The server of the command line, with the dashboard and the refresh cookie; the address of the API. */
export async function serveCommandLine(t) {
  buildOnce();
  return start(t, `${ROOT}tests/rest/command_line`, "--rest-options", JSON.stringify({ cookie: true }));
}

/** The C example, compiled against the library in build/c; the address of the API. */
export async function serveC(t) {
  const folder = mkdtempSync(join(tmpdir(), "hellojohn-c-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const program = join(folder, "server");
  const library = `${ROOT}build/c`;
  const libraries = [`-L${library}`, "-lhellojohn", "-lmicrohttpd", `-Wl,-rpath,${library}`];
  run("cc", "-std=c99", "examples/c/server.c", "-Iinclude", ...libraries, "-o", program);
  return start(t, program);
}

let isBuilt = false;

function buildOnce() {
  if (!isBuilt) run("tests/rest/build");
  isBuilt = true;
}

function run(program, ...args) {
  const { status, error } = spawnSync(program, args, { cwd: ROOT, stdio: "inherit" });
  if (status !== 0) throw error ?? new Error(`${program} failed`);
}

/** Starts a server; its address. */
async function start(t, program, ...more) {
  const server = spawn(program, [":memory:", "127.0.0.1:0", ...more], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => server.kill());
  let said = "";
  for await (const chunk of server.stdout) {
    said += chunk;
    const address = /listening on (\S+)\n/.exec(said)?.[1];
    if (address) return address;
  }
  throw new Error(`${program} did not start`);
}
