// Verifications that are remembered, in Node: `tests/postgres/run node --test tests/postgres/leases.test.mjs`.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { HelloJohn } from "@hellojohn/node";
import { isFailure, makeTenant, TENANT } from "../node/fixture.mjs";

function makeUrl() {
  const server = process.env.HJ_PG;
  assert.ok(server, "HJ_PG is not set: tests/postgres/run node --test …");
  return `${server}${server.includes("?") ? "&" : "?"}schema=hj_node_${randomBytes(6).toString("hex")}`;
}

/** Two engines on one database, as two machines have them. */
async function makeHosts(t, here, there, database = makeUrl()) {
  const hosts = [
    makeTenant(t, { database, verify: there, busyTimeout: "6s" }),
    makeTenant(t, { database, verify: here }),
  ];
  for (const hj of hosts) await hj.ready();
  return [hosts[1], hosts[0]];
}

async function timed(work) {
  const began = performance.now();
  const answer = await work();
  return [performance.now() - began, answer];
}

test("no call that ends a session resolves while another host may accept it", async (t) => {
  const [here, there] = await makeHosts(t, "lease:500ms", "store");
  const ends = [
    ({ session }) => there.sessions.revoke(session.id),
    () => there.sessions.revokeAll("usr_1"),
    ({ accessToken }) => there.auth.signOut(accessToken),
    ({ session }) =>
      there.sessions.update(session.id, { role: "guest" }).then(() => there.sessions.revoke(session.id)),
  ];
  for (const end of ends) {
    const grant = await there.sessions.create({ userId: "usr_1" });
    let hasResolved = false;
    const verifier = (async () => {
      for (;;) {
        const began = hasResolved;
        const { valid } = await here.verifyTokenRemote(grant.accessToken);
        const byId = await here.sessions.verify(grant.session.id);
        if (began) return valid || byId.valid;
      }
    })();
    const [took] = await timed(() => end(grant));
    hasResolved = true;
    assert.equal(await verifier, false, "accepted after the call had resolved");
    assert.ok(took >= 506, `${took} ms`);
  }
});

test("what is remembered is answered without the server, and calls that wait hold up no other", async (t) => {
  const name = `hj_node_${randomBytes(6).toString("hex")}`;
  const database = `${makeUrl()}&application_name=${name}`;
  const [here, there] = await makeHosts(t, "lease:2000ms", "store", database);
  const grant = await here.sessions.create({ userId: "usr_1" });
  const { id } = grant.session;
  /** When the last statement of these hosts began. */
  const lastStatement = () => {
    const ask = `SELECT max(query_start) FROM pg_stat_activity WHERE application_name = '${name}'`;
    return execFileSync("psql", [process.env.HJ_PG_SUPER, "-qAtXc", ask], { encoding: "utf8" });
  };
  const verifyBoth = async () => {
    assert.equal((await here.verifyTokenRemote(grant.accessToken)).valid, true);
    assert.equal((await here.sessions.verify(id)).valid, true);
  };
  let isRemembered = false;
  for (let round = 0; round < 5 && !isRemembered; round += 1) {
    await verifyBoth();
    const before = lastStatement();
    for (let n = 0; n < 1000; n += 1) await verifyBoth();
    isRemembered = lastStatement() === before; // a busy machine may take longer than the lease once
  }
  assert.ok(isRemembered, "verifications within a lease have asked the server");
  // A look-up is no verification.
  const seen = await here.sessions.get(id);
  await verifyBoth();
  const { refreshToken } = await there.sessions.refresh(grant.refreshToken);
  assert.ok((await here.sessions.get(id)).lastActiveAt > seen.lastActiveAt);

  // More calls than there are threads that commit, all of which wait, and others that go on meanwhile.
  const others = await Promise.all(
    Array.from({ length: 24 }, () => there.sessions.create({ userId: "usr_2" })),
  );
  let waiting = others.length;
  const revoked = timed(() =>
    Promise.all(others.map(({ session }) => there.sessions.revoke(session.id).then(() => (waiting -= 1)))),
  );
  await there.sessions.refresh((await there.sessions.refresh(refreshToken)).refreshToken);
  assert.equal(waiting, others.length, "the refreshes waited for the revocations");
  const [all] = await revoked;
  assert.ok(all >= 2021 && all < 6000, `${all} ms`);
});

test("stale answers end after their time elsewhere, and at once where the session was ended", async (t) => {
  const [here, there] = await makeHosts(t, "stale:400ms", "stale:400ms");
  const grant = await here.sessions.create({ userId: "usr_1" });
  for (const hj of [here, there]) assert.equal((await hj.verifyTokenRemote(grant.accessToken)).valid, true);
  await there.sessions.revoke(grant.session.id);
  const ended = performance.now();
  assert.equal((await there.verifyTokenRemote(grant.accessToken)).valid, false);
  for (;;) {
    const began = performance.now();
    if (!(await here.verifyTokenRemote(grant.accessToken)).valid) break;
    assert.ok(began - ended < 400, `${began - ended} ms after the end`);
  }
});

test("the command line shortens the leases of a database, and waits for the longer ones", async (t) => {
  const database = makeUrl();
  const [here, there] = await makeHosts(t, "lease:600ms", "store", database);
  const grant = await here.sessions.create({ userId: "usr_1" });
  assert.equal((await here.verifyTokenRemote(grant.accessToken)).valid, true);
  const program = new URL("../../npm/node/dist/command_line.js", import.meta.url).pathname;
  const lower = ["maintain", "lower-lease", "0", "--database", database, "--json"];
  const [took, told] = await timed(() =>
    execFileSync(process.execPath, [program, ...lower], { encoding: "utf8" }),
  );
  assert.deepEqual(JSON.parse(told), { wait_ms: 0 });
  assert.ok(took >= 607, `${took} ms`);
  await there.sessions.revoke(grant.session.id);
  assert.equal((await here.verifyTokenRemote(grant.accessToken)).valid, false);
});

test("a mode that is none, or not for this database, is refused", async (t) => {
  for (const verify of ["lease", "lease:24ms", "lease:5001ms", "stale:1s", "", 250, {}]) {
    assert.throws(
      () => new HelloJohn({ ...TENANT, database: makeUrl(), verify }),
      isFailure("validation_error"),
    );
  }
  for (const [database, verify] of [
    [":memory:", "lease:250ms"],
    [`${makeUrl()}&verify=stale:250ms`, "lease:250ms"],
  ]) {
    await assert.rejects(makeTenant(t, { database, verify }).ready(), isFailure("validation_error"));
  }
  await makeTenant(t, { database: ":memory:", verify: "store" }).ready();
});
