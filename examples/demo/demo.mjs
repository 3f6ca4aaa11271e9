// The Node part of `make demo`, which also directs the run: it starts the Rust and the C program on the same database
// file and checks what each of them sees.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { HelloJohn } from "@hellojohn/node";
import { createLocalJWKSet, jwtVerify } from "jose";

const resolvePath = (path) => new URL(path, import.meta.url).pathname;
const tenantId = "tnt_demo";
const secretKey = "sk_test_demo_2c4b1d9e7f6083a5b1c4";

/** A program that answers each line with lines that end with a single dot. */
class Program {
  constructor(name, path, database) {
    this.name = name;
    this.child = spawn(path, [database, tenantId, secretKey], { stdio: ["pipe", "pipe", "inherit"] });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async ask(...fields) {
    this.child.stdin.write(`${fields.join("\t")}\n`);
    const answer = [];
    for (;;) {
      const { value, done } = await this.lines.next();
      assert(!done, `the ${this.name} program died`);
      if (value === ".") return answer;
      answer.push(value);
    }
  }

  async end() {
    this.child.stdin.end();
    const [code] = await new Promise((resolve) => this.child.on("exit", (...status) => resolve(status)));
    assert.equal(code, 0, `the ${this.name} program failed`);
  }
}

const report = (program, event) => console.log(`${program.padEnd(6)}${event}`);

const folder = await mkdtemp(join(tmpdir(), "hellojohn-demo-"));
const database = join(folder, "sessions.db");
const shop = new Program("Rust", resolvePath("../../target/release/examples/demo"), database);
const desk = new Program("C", resolvePath("../../build/c/desk"), database);
const hj = new HelloJohn({ tenantId, secretKey, database });

// 1. Users sign in from their devices, in the Rust program.
const devices = (await readFile(resolvePath("devices.tsv"), "utf8"))
  .split("\n")
  .filter((line) => line && !line.startsWith("#"))
  .map((line) => line.split("\t"))
  .map(([user, ip, country, kind, agent]) => ({ user, ip, country, kind, agent }));
for (const device of devices) {
  const [line] = await shop.ask("sign-in", device.user, device.ip, device.country, device.agent);
  [device.session, device.accessToken, device.refreshToken] = line.split("\t");
  assert.match(device.session, /^ses_/, line);
}
report(
  "Rust",
  `signed in ${devices.length} devices of ${new Set(devices.map((device) => device.user)).size} users`,
);

// 2. Every device's token is refreshed, in the C program; the Rust program accepts the new ones.
for (const device of devices) {
  const [line] = await desk.ask("refresh", device.refreshToken);
  const [session, accessToken, refreshToken] = line.split("\t");
  assert.equal(session, device.session);
  assert.notEqual(refreshToken, device.refreshToken);
  Object.assign(device, { accessToken, refreshToken });
  assert.deepEqual(await shop.ask("request", accessToken), [`${device.user}\t${device.kind}`]);
}
report("C", `refreshed ${devices.length} tokens; Rust verified each new access token`);

// 3. An independent client verifies one of them from the published keys alone.
const [first] = devices;
const { payload } = await jwtVerify(first.accessToken, createLocalJWKSet(await hj.jwks()), {
  issuer: "https://api.hellojohn.dev",
  audience: tenantId,
});
assert.equal(payload.sub, first.user);
assert.equal(payload.session_id, first.session);
report("jose", `verified a token of ${payload.sub} from the JWKS`);

// 4. The C program lists the sessions that the Rust program made.
report("C", `lists the devices of ${first.user}:\n`);
const table = await desk.ask("devices", first.user);
console.log(`${table.join("\n")}\n`);
const own = devices.filter((device) => device.user === first.user);
for (const device of own) assert(table.some((row) => row.includes(device.session)));

// 5. One session looks odd; the Node program revokes it.
const odd = (await hj.sessions.list({ user_id: first.user })).find((session) => session.country === "BR");
assert.equal(odd.deviceType, "bot");
await hj.sessions.revoke(odd.id);
report("Node", `revoked ${odd.id}: ${odd.userAgent} from ${odd.ipAddress}, ${odd.country}`);

// 6. Each program sees the revocation on its next call.
const stolen = devices.find((device) => device.session === odd.id);
assert.deepEqual(await shop.ask("request", stolen.accessToken), ["error\tsession_revoked"]);
report("Rust", "refuses its access token on the next call: session_revoked");
assert.deepEqual(await desk.ask("refresh", stolen.refreshToken), ["error\tsession_revoked"]);
report("C", "refuses its refresh token: session_revoked");
const remote = await hj.verifyTokenRemote(stolen.accessToken);
assert.equal(remote.valid, false);
assert.equal(remote.error.code, "session_revoked");

// 7. Signing out everywhere leaves the other users alone.
const { revoked } = await hj.sessions.revokeAll(first.user);
assert.equal(revoked, own.length - 1);
report("Node", `signed ${first.user} out of ${revoked} more devices`);
for (const device of devices) {
  const expected = device.user === first.user ? "error\tsession_revoked" : `${device.user}\t${device.kind}`;
  assert.deepEqual(await shop.ask("request", device.accessToken), [expected]);
}
report("Rust", `serves the ${devices.length - own.length} devices of the other users as before`);

const stats = await hj.stats();
assert.deepEqual(stats.sessions, { active: devices.length - own.length, expired: 0, revoked: own.length });
report("Node", `counts ${JSON.stringify(stats.sessions)}`);

await desk.end();
await shop.end();
await hj.close();
await rm(folder, { recursive: true });
console.log("\nEverything is as it should be.");
