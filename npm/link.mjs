// Lets programs of this checkout (tests, examples) import the workspace's packages and its development dependencies by
// name, as the users of the packages do.
import { rmSync, symlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";

const modules = fileURLToPath(new URL("../node_modules", import.meta.url));
rmSync(modules, { force: true, recursive: true });
symlinkSync("npm/node_modules", modules, "junction");
