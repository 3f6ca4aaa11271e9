// The dashboard in Chromium, served by the other hosts: the command line and the examples of axum and C.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findBarriers } from "./accessibility.mjs";
import { assertStrict, FILES, openPage, STATES, show, signIn } from "./dashboard_page.mjs";
import { SECRET_KEY, serveAxum, serveC, serveCommandLine } from "./dashboard_server.mjs";
import { launch } from "./servers.mjs";

const JSON_HEADERS = { "content-type": "application/json" };

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** Sends a request to the API, of an operator; the answer's JSON. */
async function ask(url, method, body) {
  const headers = { ...JSON_HEADERS, authorization: `Bearer ${SECRET_KEY}` };
  const answer = await fetch(url, { method, headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${url}: ${answer.status}`);
  return answer.json();
}

for (const [host, serve] of [
  ["the command line", serveCommandLine],
  ["the axum example", serveAxum],
  ["the C example", serveC],
]) {
  test(`${host} serves the same pages, in which sessions are previewed and ended`, async (t) => {
    const api = await serve(t);
    const address = `${api}/dashboard/`;
    for (const name of FILES) assertStrict(await fetch(address + name));
    await ask(`${api}/v1/admin/config`, "PATCH", { event_retention: "30d" });
    for (const name of ["Firefox/134.0", "Chrome/143.0.0.0", "Edg/143.0.0.0", "Safari/605.1.15"])
      await fetch(`${api}/v1/auth/sign-in`, {
        method: "POST",
        headers: { ...JSON_HEADERS, "user-agent": `Mozilla/5.0 (Windows NT 10.0) ${name}` },
        body: JSON.stringify({ email: "ada@example.com", password: "correct horse" }),
      });

    const page = await openPage(t, browser, { isLive: true });
    await signIn(page, address);
    for (const [state, hash, title, ready] of STATES) {
      await show(page, address + (state === "end" ? "#/end?user_id=usr_ada" : hash), title, ready);
      assert.deepEqual(await findBarriers(page), [], state);
    }

    await page.goto(`${address}#/sessions`);
    await page.getByText("4 match").waitFor();
    await page.getByRole("button", { name: /^End / }).first().click();
    await page.getByRole("dialog").getByRole("button", { name: "End session" }).click();
    await page.getByText("3 match").waitFor();

    await page.goto(`${address}#/end?user_id=usr_ada`);
    await page.getByRole("button", { name: "End 3 sessions…" }).click();
    const dialog = page.getByRole("dialog");
    const act = dialog.getByRole("button", { name: "End 3 sessions" });
    assert.ok(await act.isDisabled());
    assert.deepEqual(await findBarriers(page), [], "the question");
    await dialog.getByLabel(/to confirm/).fill("3");
    await act.click();
    await page.getByText("3 sessions ended.").waitFor();
    const { count } = await ask(`${api}/v1/sessions/count?status=active`, "GET");
    assert.equal(count, 0);
  });
}
