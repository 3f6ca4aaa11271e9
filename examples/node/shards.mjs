// Tenants on several databases. One becomes too busy: it is split, and every user stays signed in.
//
//   make node && node examples/node/shards.mjs west.db east.db        (or two PostgreSQL URLs)
import assert from "node:assert/strict";
import { copyDatabase, HelloJohn } from "@hellojohn/node";

const [west = "west.db", east = "east.db"] = process.argv.slice(2);

// Where each shard is, and which tenants are not on the first one. A real host keeps this beside its tenants' secret keys, and every
// machine reads it anew when it changes.
const DATABASES = { west, east };
const directory = new Map();
const SECRET_KEYS = new Map([
  ["tnt_acme", "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA"],
  ["tnt_zenith", "sk_live_8Kc4Xw7Nt2Qz6Bp1Lm5Yd3"],
]);

/** The tenants that this process has used, each on its shard. Those on one database share its engine and its connections. */
const open = new Map();

function tenant(tenantId) {
  let hj = open.get(tenantId);
  if (!hj) {
    const database = DATABASES[directory.get(tenantId) ?? "west"];
    hj = new HelloJohn({ tenantId, secretKey: SECRET_KEYS.get(tenantId), database });
    open.set(tenantId, hj);
  }
  return hj;
}

async function closeAll() {
  for (const hj of open.values()) await hj.close();
  open.clear();
}

/**
 * Moves tenants to an empty database: the whole shard is copied, and from then on the ones are used there and the others here. What is left
 * behind on either side is no longer used. While it runs, requests wait: let the host answer 503, or copy once beside the running
 * hosts first, so that only what changed since is left to copy.
 */
async function split(from, to, tenantIds) {
  await closeAll();
  const { sessions } = await copyDatabase(DATABASES[from], DATABASES[to]);
  for (const tenantId of tenantIds) directory.set(tenantId, to);
  return sessions;
}

const ada = await tenant("tnt_acme").sessions.create({ userId: "usr_ada" });
const zoe = await tenant("tnt_zenith").sessions.create({ userId: "usr_zoe" });

console.log("copied", await split("west", "east", ["tnt_zenith"]), "sessions");

// Both users go on, each on the shard of the tenant; what happens on one shard is not seen on the other.
const { refreshToken } = await tenant("tnt_zenith").sessions.refresh(zoe.refreshToken);
await tenant("tnt_zenith").sessions.create({ userId: "usr_zoe" });
assert.equal((await tenant("tnt_acme").verifyTokenRemote(ada.accessToken)).valid, true);
await tenant("tnt_acme").sessions.refresh(ada.refreshToken);
assert.equal((await tenant("tnt_zenith").sessions.list("usr_zoe")).length, 2);
await tenant("tnt_zenith").sessions.refresh(refreshToken);
console.log(
  "tnt_acme is on",
  directory.get("tnt_acme") ?? "west",
  "and tnt_zenith on",
  directory.get("tnt_zenith"),
);
await closeAll();
