// Shared by the tests of the Node package: a tenant on a database of its own, and the check of an error.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { HelloJohn, HelloJohnError, ManualClock } from "@hellojohn/node";

export const START = Date.UTC(2026, 0, 1);
export const TENANT = { tenantId: "tnt_01HABCDEF654321", secretKey: "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA" };

export const program = (name) => fileURLToPath(new URL(`programs/${name}`, import.meta.url));

/** Makes an empty folder and removes it after the test. */
export function makeFolder(t) {
  const path = mkdtempSync(join(tmpdir(), "hellojohn-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Makes a tenant in memory and closes it after the test. */
export function makeTenant(t, options = {}) {
  const hj = new HelloJohn({ ...TENANT, database: ":memory:", ...options });
  t.after(() => hj.close());
  return hj;
}

/** Makes a tenant in memory, and its clock. */
export function makeTenantWithClock(t, options = {}) {
  const clock = new ManualClock(START);
  return { clock, hj: makeTenant(t, { clock, ...options }) };
}

/** A check for `assert.rejects`: a HelloJohnError with this code, whose detail starts with the field if one is given. */
export function isFailure(code, field) {
  return (error) => {
    assert.ok(error instanceof HelloJohnError, `${error?.stack ?? error}`);
    assert.equal(error.code, code, error.stack);
    if (field) assert.ok(error.detail.startsWith(`${field}: `), error.detail);
    return true;
  };
}

export const sleep = (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds));
