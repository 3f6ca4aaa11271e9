// What the released binaries are made of, as cargo resolves it.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT } from "./targets.mjs";

/** The crates that are released: as source (the first two), inside of a binary (all but the first). */
export const RELEASED = ["hellojohn", "hellojohn-cli", "hellojohn-capi", "hellojohn-node"];

/** What a release is compiled for; nothing of other systems is inside. */
const TRIPLES = [
  "aarch64-apple-darwin",
  "aarch64-unknown-linux-gnu",
  "aarch64-unknown-linux-musl",
  "x86_64-apple-darwin",
  "x86_64-pc-windows-msvc",
  "x86_64-unknown-linux-gnu",
  "x86_64-unknown-linux-musl",
];

/**
 * Our crates and what they are linked with, on the platforms of a release, without what only builds or tests them:
 * `[{name, version, licence, repository, checksum, isOurs, needs: [index], folder}]`.
 */
export function findCrates() {
  const platforms = TRIPLES.flatMap((triple) => ["--filter-platform", triple]);
  const options = ["metadata", "--quiet", "--locked", "--format-version", "1", ...platforms];
  const metadata = JSON.parse(
    execFileSync("cargo", options, {
      cwd: ROOT,
      encoding: "utf8",
      maxBuffer: 1 << 28,
      stdio: ["ignore", "pipe", "inherit"],
    }),
  );
  const packages = new Map(metadata.packages.map((one) => [one.id, one]));
  const nodes = new Map(metadata.resolve.nodes.map((node) => [node.id, node]));
  const lock = readFileSync(join(ROOT, "Cargo.lock"), "utf8");
  const checksums = new Map(
    [...lock.matchAll(/name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"/g)].map(
      ([, name, version, checksum]) => [`${name}@${version}`, checksum],
    ),
  );
  const roots = metadata.packages.filter(({ name, source }) => source === null && RELEASED.includes(name));
  if (roots.length !== RELEASED.length) throw new Error("the workspace lacks a crate that is released");
  const found = new Map();
  const visit = (id) => {
    if (found.has(id)) return;
    // A procedural macro runs in the compiler: nothing of it is in what it compiles.
    const linked = nodes
      .get(id)
      .deps.filter(
        ({ pkg, dep_kinds }) =>
          dep_kinds.some(({ kind }) => kind === null) &&
          !packages.get(pkg).targets.some(({ kind }) => kind.includes("proc-macro")),
      );
    found.set(
      id,
      linked.map(({ pkg }) => pkg),
    );
    for (const { pkg } of linked) visit(pkg);
  };
  for (const { id } of roots) visit(id);
  const ids = [...found.keys()].sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
  function nameOf(id) {
    const { name, version } = packages.get(id);
    return `${name}@${version}`;
  }
  return ids.map((id) => {
    const { name, version, license, repository, source, manifest_path } = packages.get(id);
    return {
      name,
      version,
      licence: license?.replaceAll("/", " OR ") ?? null,
      repository,
      checksum: checksums.get(`${name}@${version}`) ?? null,
      isOurs: source === null,
      needs: found.get(id).map((needed) => ids.indexOf(needed)),
      folder: dirname(manifest_path),
    };
  });
}

/** The version of the SQLite that is compiled into the binaries. */
export function findSqliteVersion(crates) {
  const { folder } = crates.find(({ name }) => name === "libsqlite3-sys");
  const header = readFileSync(join(folder, "sqlite3/sqlite3.h"), "utf8");
  return /#define SQLITE_VERSION\s+"(.+)"/.exec(header)[1];
}

/** The texts of a crate's licences, by the names of their files. */
export function readLicences({ folder }) {
  const names = readdirSync(folder).filter((name) => /^(licen[cs]e|copying|copyright|notice)/i.test(name));
  return names.sort().flatMap((name) => {
    try {
      return [[name, readFileSync(join(folder, name), "utf8").trim()]];
    } catch {
      return []; // a folder of licences; the crate's field names them
    }
  });
}
