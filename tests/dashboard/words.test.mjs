// What the pages name is what the API has: every setting, and every type of event.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "../../npm/node_modules/esbuild/lib/main.js";

const SOURCE = new URL("../../npm/dashboard/src/", import.meta.url);
const { components, paths } = JSON.parse(
  readFileSync(new URL("../../core/src/rest/openapi.json", import.meta.url), "utf8"),
);

/** Imports modules of the pages that need no browser. */
async function load(...names) {
  const contents = names.map((name) => `export * from "./${name}";`).join("\n");
  const resolveDir = fileURLToPath(SOURCE);
  const bundled = await build({
    stdin: { contents, resolveDir, loader: "ts" },
    bundle: true,
    format: "esm",
    write: false,
  });
  return import(`data:text/javascript,${encodeURIComponent(bundled.outputFiles[0].text)}`);
}

test("the settings page has each setting of the API, and no other", async () => {
  const { SETTINGS } = await load("pages/settings_list.ts");
  assert.deepEqual(Object.keys(SETTINGS).sort(), components.schemas.Config.required.toSorted());
  for (const [name, { label, short, hint, effect }] of Object.entries(SETTINGS))
    for (const words of [label, short, hint, effect]) assert.ok(words.length > 0, name);
});

test("what the settings page takes for good is what the API takes", async () => {
  const { isGood, SETTINGS } = await load("pages/settings_list.ts");
  const good = components.schemas.Config.examples[0];
  assert.ok(isGood(good));
  for (const [name, { control }] of Object.entries(SETTINGS)) {
    const bad = {
      duration: ["0d", "", "1x", "101y", "1.5h", "01h"],
      count: [0, Number.NaN, 1.5],
      switch: [],
    };
    for (const value of bad[control.kind])
      if (!(name === "refresh_reuse_window" && value === "0d"))
        assert.equal(isGood({ ...good, [name]: value }), false, `${name} ${value}`);
  }
  for (const [window, expected] of [
    ["0", true],
    ["0s", true],
    ["60s", true],
    ["61s", false],
  ])
    assert.equal(isGood({ ...good, refresh_reuse_window: window }), expected, window);
});

test("each type of event has words and can be picked, and each kind is one that the API knows", async () => {
  const { EVENT_FIELDS, EVENT_KINDS, EVENT_TYPES, tellEvent } = await load("event_words.ts");
  const types = components.schemas.Event.properties.type.enum;
  const picked = EVENT_FIELDS.find(({ name }) => name === "types").choices.map(([type]) => type);
  for (const type of types) {
    assert.ok(EVENT_TYPES[type], `${type} has no words`);
    assert.ok(picked.includes(type), `${type} cannot be picked`);
    assert.notEqual(tellEvent({ type, data: {}, actor: null }).what, type);
  }
  const { pattern } = paths["/v1/events"].get.parameters.find(({ name }) => name === "types").schema;
  for (const [kind, label] of EVENT_KINDS) if (kind !== "") assert.match(kind, new RegExp(pattern), label);
  const inKinds = EVENT_KINDS.flatMap(([kind]) => kind.split(","));
  for (const type of types) {
    assert.match(type, new RegExp(pattern));
    // Refreshes are recorded by an option only, and are many.
    if (type !== "session.refreshed") assert.ok(inKinds.includes(type), `${type} is of no kind`);
  }
});

test("an event is told with what its data say, and with who did it", async () => {
  const { tellEvent } = await load("event_words.ts");
  const tell = (type, data, actor = null) => {
    const { what, more } = tellEvent({ type, data, actor });
    return [what, ...more];
  };
  const adopted = { generation: 1, ip_address: "203.0.113.7" };
  assert.deepEqual(tell("session.adopted", adopted), ["Taken over from the old system", "203.0.113.7"]);
  assert.deepEqual(tell("session.created", { country: "BR", imported: true }), ["Imported", "Brazil"]);
  const counts = {
    rows: 2_000,
    imported: 1_990,
    already_imported: 0,
    expired: 8,
    over_limits: 0,
    bad_rows: 2,
  };
  assert.deepEqual(tell("tenant.imported", counts, "ops"), [
    "Sessions imported",
    "1,990 of 2,000 rows",
    "8 had expired",
    "2 could not be read",
    "by ops",
  ]);
  assert.deepEqual(tell("database.restored", { policy: "keep", ended: 3, gone: null }), [
    "Backup restored",
    "keep",
    "3 ended by the log",
  ]);
  const changed = { idle_timeout: { old: null, new: "7d" }, revocation_list: { old: false, new: true } };
  assert.deepEqual(tell("config.updated", { changed }), [
    "Settings changed",
    "idle_timeout none → 7d",
    "revocation_list off → on",
  ]);
  assert.deepEqual(tell("session.unheard_of", {}), ["session.unheard_of"]);
});
