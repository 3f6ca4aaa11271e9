// The notes of a release, from CHANGELOG.md.
//   node .ci/release/changelog.mjs                 prints those of the version in Cargo.toml; fails if there are none
//   node .ci/release/changelog.mjs --draft         the same, or what stands under "Unreleased"
//   node .ci/release/changelog.mjs --release DATE  makes "Unreleased" the version in Cargo.toml, of this date (2026-12-01)
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isProgram, ROOT } from "./targets.mjs";
import { readVersion } from "./version.mjs";

const FILE = join(ROOT, "CHANGELOG.md");
const UNRELEASED = "## Unreleased\n";

/** What a changelog says of a version; "Unreleased" is one, too. Null if it has no such section. */
export function findNotes(changelog, version) {
  const sections = changelog.split(/^(?=## )/m);
  const section = sections.find(
    (one) => one.startsWith(`## ${version}\n`) || one.startsWith(`## ${version} `),
  );
  return section?.slice(section.indexOf("\n")).trim() || null;
}

/** The changelog with "Unreleased" as this version. */
export function release(changelog, version, date) {
  if (!/^\d{4}-\d\d-\d\d$/.test(date)) throw new Error(`${date} is no date such as 2026-12-01`);
  if (findNotes(changelog, version)) throw new Error(`the changelog has ${version} already`);
  if (!findNotes(changelog, "Unreleased")) throw new Error("nothing stands under Unreleased");
  return changelog.replace(UNRELEASED, `${UNRELEASED}\n## ${version} (${date})\n`);
}

if (isProgram(import.meta.url)) {
  const changelog = readFileSync(FILE, "utf8");
  const version = readVersion();
  if (process.argv[2] === "--release") writeFileSync(FILE, release(changelog, version, process.argv[3]));
  else {
    const draft = process.argv[2] === "--draft" ? findNotes(changelog, "Unreleased") : null;
    const notes = findNotes(changelog, version) ?? draft;
    if (!notes)
      throw new Error(
        `CHANGELOG.md has no section ${version}: node .ci/release/changelog.mjs --release DATE`,
      );
    console.log(notes);
  }
}
