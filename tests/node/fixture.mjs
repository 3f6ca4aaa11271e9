// What the tests of the Node door share: a tenant on a database of its own, and how to expect an error.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { HelloJohn, HelloJohnError, ManualClock } from "@hellojohn/node";

export const START = Date.UTC(2026, 0, 1);
export const TENANT = { tenantId: "tnt_01HABCDEF654321", secretKey: "sk_live_abc123" };

export const program = (name) => fileURLToPath(new URL(`programs/${name}`, import.meta.url));

/** An empty folder that is gone after the test. */
export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), "hellojohn-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A tenant in memory, closed after the test. */
export function tenant(t, options = {}) {
  const hj = new HelloJohn({ ...TENANT, database: ":memory:", ...options });
  t.after(() => hj.close());
  return hj;
}

/** A tenant in memory and the clock that it goes by. */
export function tenantWithClock(t, options = {}) {
  const clock = new ManualClock(START);
  return { clock, hj: tenant(t, { clock, ...options }) };
}

/** A test of an error: of our class, with this code, and its detail starting with the field if one is named. */
export function failure(code, field) {
  return (error) => {
    assert.ok(error instanceof HelloJohnError, `${error?.stack ?? error}`);
    assert.equal(error.code, code, error.stack);
    if (field) assert.ok(error.detail.startsWith(`${field}: `), error.detail);
    return true;
  };
}

export const sleep = (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds));
