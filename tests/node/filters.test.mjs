// Filters as JavaScript has them: names, dates, and members that were lost.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isFailure, makeTenantWithClock, START } from "./fixture.mjs";

test("a filter has either form of its names, and a member that was lost is refused", async (t) => {
  const { hj, clock } = makeTenantWithClock(t);
  await hj.sessions.create({ userId: "u", country: "ES", mfaVerified: true });
  clock.set(START + 1000);
  const { session } = await hj.sessions.create({ userId: "v", country: "FR" });
  const createdAfter = new Date(START);
  for (const filter of [
    { notCountry: ["ES"] },
    { not_country: "ES,PT" },
    { createdAfter },
    { created_after: createdAfter },
    { userId: "v", mfaVerified: false },
  ]) {
    assert.deepEqual(
      (await hj.sessions.list(filter)).map(({ id }) => id),
      [session.id],
    );
    assert.equal(await hj.sessions.count(filter), 1);
  }
  assert.equal((await hj.sessions.list("v", { country: "FR", createdAfter })).length, 1);
  assert.equal((await hj.sessions.list("v", { country: "ES" })).length, 0);
  for (const [filter, field] of [
    [{ country: undefined }, "country"],
    [{ country: null }, "country"],
    [{ country: [] }, "country"],
    [{ country: ["ES", 1] }, "country"],
    [{ userId: undefined }, "userId"],
    [{ notIpAddress: "10.0.0.1/8" }, "notIpAddress"],
    [{ mfaVerified: "true" }, "mfaVerified"],
    [{ createdAfter: START }, "createdAfter"],
    [{ createdAfter: new Date(Number.NaN) }, "createdAfter"],
    [{ createdBefore: new Date(0) }, "createdBefore"],
    [{ country: "ES", countries: "FR" }, "countries"],
    [{ notCountry: "ES", not_country: "ES" }, "not_country"],
  ]) {
    for (const call of [
      () => hj.sessions.list(filter),
      () => hj.sessions.count(filter),
      () => hj.sessions.revokeWhere(filter),
      () => hj.sessions.revokeWhere(filter, { dryRun: true }),
    ]) {
      await assert.rejects(call, isFailure("validation_error", field), field);
    }
  }
  for (const filter of [undefined, null, {}, { status: "active" }, { status: null }]) {
    await assert.rejects(() => hj.sessions.revokeWhere(filter), { code: "validation_error" });
  }
  await assert.rejects(() => hj.sessions.count(), { code: "validation_error" });
  assert.equal(await hj.sessions.count({}), 2);
});

test("revokeWhere shows a preview and takes its plan, and a plan that was lost is refused", async (t) => {
  const { hj } = makeTenantWithClock(t);
  for (const userId of ["u", "v", "w"]) await hj.sessions.create({ userId, country: "ES" });
  const filter = { country: "ES" };
  const preview = await hj.sessions.revokeWhere(filter, { dryRun: true });
  assert.deepEqual(Object.keys(preview), ["count", "sample", "plan"]);
  assert.equal(preview.count, 3);
  assert.equal(preview.sample[0].userId, "w");
  assert.ok(preview.sample[0].createdAt instanceof Date);
  for (const plan of [undefined, null, "", 1, `${preview.plan}A`]) {
    await assert.rejects(() => hj.sessions.revokeWhere(filter, { plan }), { code: "validation_error" });
  }
  await assert.rejects(() => hj.sessions.revokeWhere(filter, { dryRun: true, plan: preview.plan }), {
    code: "validation_error",
  });
  await assert.rejects(() => hj.sessions.revokeWhere(filter, { dryRun: 1 }), { code: "validation_error" });
  assert.equal(await hj.sessions.count({}), 3);
  assert.deepEqual(await hj.sessions.revokeWhere(filter, { plan: preview.plan }), { revoked: 3 });
});
