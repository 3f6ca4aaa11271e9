// Puts the addon that cargo has built where .ci/release/pack.mjs looks: node .ci/release/stage_addon.mjs FOLDER [TARGET [TRIPLE]]
// Without a triple it is the one of a build for this machine.
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { findOwnTarget, ROOT } from "./targets.mjs";

const [folder, target = findOwnTarget(), triple = ""] = process.argv.slice(2);
if (!folder) throw new Error("usage: node .ci/release/stage_addon.mjs FOLDER [TARGET [TRIPLE]]");
const built = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), triple, "release");
const names = ["libhellojohn_node.so", "libhellojohn_node.dylib", "hellojohn_node.dll"];
const library = names.map((name) => join(built, name)).find((path) => existsSync(path));
if (!library)
  throw new Error(`${built} has none of ${names.join(", ")}: cargo build --release --package hellojohn-node`);
mkdirSync(join(folder, target), { recursive: true });
copyFileSync(library, join(folder, target, "hellojohn.node"));
console.log(join(folder, target, "hellojohn.node"));
