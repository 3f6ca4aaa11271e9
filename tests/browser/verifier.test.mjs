// The verifier of access tokens over Chromium's cryptography.
import assert from "node:assert/strict";
import { test } from "node:test";
import { makeEngineCases, makeListCases, makeSignedCases, NOW, TENANT } from "../client/token_cases.mjs";
import { bundle, openApp } from "./app.mjs";
import { launch } from "./servers.mjs";

test("genuine and forged tokens get the verdict of the engine in a page too", async (t) => {
  const app = await openApp(
    t,
    await bundle(
      'import { createVerifier } from "@hellojohn/client"; globalThis.createVerifier = createVerifier;',
    ),
  );
  const browser = await launch();
  t.after(() => browser.close());
  const page = await browser.newPage({ ignoreHTTPSErrors: true });
  await page.goto(app.origin);
  await page.waitForFunction(() => globalThis.createVerifier);
  const judge = (jwks, tokens, now = NOW, list = null) =>
    page.evaluate(
      async ([jwks, tokens, tenantId, now, list]) => {
        const fetch = async ({ pathname }) => Response.json(pathname === "/list" ? { list } : jwks);
        const options = { jwksUrl: "https://app.example.test/", tenantId, now: () => now, fetch };
        const verifier = createVerifier(
          list ? { ...options, revocationsUrl: "https://app.example.test/list" } : options,
        );
        const verdicts = [];
        for (const token of tokens) {
          verdicts.push(
            await verifier.verify(token).then(
              ({ revocation = "valid" }) => revocation,
              ({ code, stack }) => code ?? stack,
            ),
          );
        }
        return verdicts;
      },
      [jwks, tokens, TENANT, now, list],
    );
  const { hj, jwks, cases } = await makeEngineCases();
  t.after(() => hj.close());
  const verdicts = await judge(
    jwks,
    cases.map(({ token }) => token),
  );
  for (const [index, { name, token }] of cases.entries()) {
    const expected = await hj.verifyToken(token).then(
      () => "valid",
      ({ code }) => code,
    );
    assert.equal(verdicts[index], expected, name);
  }
  const signed = makeSignedCases();
  assert.deepEqual(
    await judge(
      signed.jwks,
      signed.cases.map(({ token }) => token),
    ),
    signed.cases.map(({ verdict }) => verdict),
  );
  const listed = await makeListCases();
  t.after(() => listed.hj.close());
  assert.deepEqual(
    await judge(
      listed.jwks,
      listed.cases.map(({ token }) => token),
      listed.now,
      listed.list,
    ),
    listed.cases.map(({ verdict }) => verdict),
  );
});
