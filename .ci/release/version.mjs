// The version of everything that is released together stands in Cargo.toml, [workspace.package]. Other files repeat it, because the tools
// that read them know no other place: this is the list of them.
//   node .ci/release/version.mjs          prints it, and fails if a file has another one
//   node .ci/release/version.mjs 0.2.0    sets it everywhere
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isProgram, ROOT } from "./targets.mjs";

/** The source: a group for what stands before the version, one for the version, one for what stands behind it. */
const SOURCE = { file: "Cargo.toml", pattern: /(\[workspace\.package\]\nversion = ")([^"]+)(")/g };

const member = (name) => new RegExp(`("${name}": ")([^"]+)(")`, "g");
/** The first `"version"` of a file, which is the file's own. */
const OWN = /(^\{\n(?:.*\n)*?\s*"version": ")([^"]+)(")/g;

/** Every place that repeats it: each match of the pattern is one. */
const PLACES = [
  { file: "Cargo.toml", pattern: /(path = "[^"]+", version = ")([^"]+)(")/g },
  { file: "Cargo.lock", pattern: /(\nname = "hellojohn[a-z-]*"\nversion = ")([^"]+)(")/g },
  ...["MAJOR", "MINOR", "PATCH"].flatMap((name, part) => [
    {
      file: "bindings/c/src/version.rs",
      pattern: new RegExp(`(HJ_VERSION_${name}: u32 = )(\\d+)(;)`, "g"),
      part,
    },
    {
      file: "include/hellojohn.h",
      pattern: new RegExp(`(#define HJ_VERSION_${name} )(\\d+)(\\n)`, "g"),
      part,
    },
  ]),
  { file: "core/src/rest/openapi.json", pattern: OWN },
  ...["node", "client", "react", "dashboard"].map((name) => ({
    file: `npm/${name}/package.json`,
    pattern: OWN,
  })),
  ...readdirSync(join(ROOT, "npm/node/platforms")).map((target) => ({
    file: `npm/node/platforms/${target}/package.json`,
    pattern: OWN,
  })),
  { file: "npm/react/package.json", pattern: member("@hellojohn/client") },
  { file: "npm/package-lock.json", pattern: member("@hellojohn/client") },
  {
    file: "npm/package-lock.json",
    pattern: /(\n {6}"name": "@hellojohn\/[a-z]+",\n {6}"version": ")([^"]+)(")/g,
  },
];

const read = (file) => readFileSync(join(ROOT, file), "utf8");

/** The version of this checkout. */
export function readVersion() {
  return [...read(SOURCE.file).matchAll(SOURCE.pattern)][0][2];
}

const expected = (place, version) => (place.part === undefined ? version : version.split(".")[place.part]);

/** The places that have another version, as text; also those that have none where one is expected. */
export function findDifferences(version = readVersion()) {
  return PLACES.flatMap((place) => {
    const found = [...read(place.file).matchAll(place.pattern)].map((match) => match[2]);
    if (found.length === 0) return [`${place.file}: no version where ${place.pattern} looks`];
    return found
      .filter((one) => one !== expected(place, version))
      .map((one) => `${place.file}: ${one} instead of ${expected(place, version)}`);
  });
}

/** Sets the version everywhere. */
export function setVersion(version) {
  if (!/^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/.test(version))
    throw new Error(`${version} is no version such as 1.2.3`);
  for (const place of [SOURCE, ...PLACES]) {
    const set = read(place.file).replaceAll(
      place.pattern,
      (_, before, __, after) => `${before}${expected(place, version)}${after}`,
    );
    writeFileSync(join(ROOT, place.file), set);
  }
}

if (isProgram(import.meta.url)) {
  if (process.argv[2]) setVersion(process.argv[2]);
  const differences = findDifferences();
  for (const difference of differences) console.error(difference);
  if (differences.length > 0) process.exitCode = 1;
  else console.log(readVersion());
}
