// Writes what a release is made of: node .ci/release/sbom.mjs OUT
//   OUT/hellojohn.cdx.json            CycloneDX 1.6: every crate inside of the binaries, SQLite, and the npm packages
//   OUT/THIRD_PARTY_LICENSES.txt      the licences of others, which the binaries must carry
// From `cargo metadata`: cargo-cyclonedx writes a file for each crate of the workspace, knows nothing of SQLite, and takes minutes to install.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findCrates, findSqliteVersion, readLicences } from "./dependencies.mjs";
import { isProgram, ROOT, TARGETS } from "./targets.mjs";
import { readVersion } from "./version.mjs";

const cargoPurl = ({ name, version }) => `pkg:cargo/${name}@${version}`;
const npmPurl = (name, version) => `pkg:npm/${name.replace("@", "%40")}@${version}`;

function crateComponent(crate) {
  return {
    type: "library",
    "bom-ref": cargoPurl(crate),
    name: crate.name,
    version: crate.version,
    ...(crate.checksum ? { hashes: [{ alg: "SHA-256", content: crate.checksum }] } : {}),
    licenses: [{ expression: crate.licence ?? "MIT OR Apache-2.0" }],
    purl: cargoPurl(crate),
    ...(crate.repository ? { externalReferences: [{ type: "vcs", url: crate.repository }] } : {}),
  };
}

function npmComponent(name, version) {
  const purl = npmPurl(name, version);
  return {
    type: "library",
    "bom-ref": purl,
    name,
    version,
    licenses: [{ expression: "MIT OR Apache-2.0" }],
    purl,
  };
}

/** The bill of materials; `at` is when it is made, an ISO time. */
export function makeSbom(crates, sqlite, at) {
  const version = readVersion();
  const root = npmPurl("@hellojohn/node", version);
  const sqliteRef = `pkg:generic/sqlite@${sqlite}`;
  const platforms = TARGETS.map((target) => `@hellojohn/node-${target}`);
  const browser = ["@hellojohn/client", "@hellojohn/react"];
  const addon = crates.find(({ name }) => name === "hellojohn-node");
  const dependsOn = (crate) => [
    ...crate.needs.map((index) => cargoPurl(crates[index])),
    ...(crate.name === "libsqlite3-sys" ? [sqliteRef] : []),
  ];
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      timestamp: at,
      component: { type: "application", "bom-ref": "hellojohn", name: "hellojohn", version },
    },
    components: [
      ...crates.map(crateComponent),
      {
        type: "library",
        "bom-ref": sqliteRef,
        name: "sqlite",
        version: sqlite,
        licenses: [{ license: { name: "Public domain" } }],
        purl: sqliteRef,
      },
      ...["@hellojohn/node", ...platforms, ...browser].map((name) => npmComponent(name, version)),
    ],
    dependencies: [
      {
        ref: "hellojohn",
        dependsOn: [
          root,
          ...browser.map((name) => npmPurl(name, version)),
          ...crates.filter(({ isOurs }) => isOurs).map(cargoPurl),
        ],
      },
      ...crates.map((crate) => ({ ref: cargoPurl(crate), dependsOn: dependsOn(crate) })),
      { ref: root, dependsOn: platforms.map((name) => npmPurl(name, version)) },
      ...platforms.map((name) => ({ ref: npmPurl(name, version), dependsOn: [cargoPurl(addon)] })),
      { ref: npmPurl("@hellojohn/react", version), dependsOn: [npmPurl("@hellojohn/client", version)] },
    ],
  };
}

/** The licences of others, each text once. */
export function makeNotices(crates, sqlite) {
  const byText = new Map();
  for (const crate of crates.filter(({ isOurs }) => !isOurs)) {
    const texts = readLicences(crate);
    for (const [file, text] of texts.length > 0
      ? texts
      : [["", `No text in the crate; its licence is ${crate.licence}.`]]) {
      byText.set(text, [
        ...(byText.get(text) ?? []),
        `${crate.name} ${crate.version} (${crate.licence}) ${file}`.trim(),
      ]);
    }
  }
  const parts = [...byText].map(([text, users]) => `${users.join("\n")}\n\n${text}\n`);
  const line = "=".repeat(100);
  return `The binaries of HelloJohn hold SQLite ${sqlite}, which is in the public domain, and the crates below under their licences.\n\n${line}\n${parts.join(`\n${line}\n`)}`;
}

if (isProgram(import.meta.url)) {
  const [out] = process.argv.slice(2);
  if (!out) throw new Error("usage: node .ci/release/sbom.mjs OUT");
  const crates = findCrates();
  const sqlite = findSqliteVersion(crates);
  const epoch = process.env.SOURCE_DATE_EPOCH;
  const at = (epoch ? new Date(Number(epoch) * 1000) : new Date()).toISOString();
  mkdirSync(out, { recursive: true });
  writeFileSync(
    join(out, "hellojohn.cdx.json"),
    `${JSON.stringify(makeSbom(crates, sqlite, at), null, 2)}\n`,
  );
  writeFileSync(join(out, "THIRD_PARTY_LICENSES.txt"), makeNotices(crates, sqlite));
  const others = crates.filter(({ isOurs }) => !isOurs).length;
  console.log(
    `${others} crates of others, SQLite ${sqlite}; Cargo.lock of ${readFileSync(join(ROOT, "Cargo.lock"), "utf8").split("\n").length} lines`,
  );
}
