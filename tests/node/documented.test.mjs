// Every name that the packages export is documented, with each of its members: in an editor the text stands beside the name.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const NPM = fileURLToPath(new URL("../../npm", import.meta.url));

/** The files and names that a module exports: `[[file, name]]`; `*` stands for all of a file. */
function findExports(file) {
  const text = readFileSync(file, "utf8");
  const found = [...text.matchAll(/^export (?:type )?(\*|\{[^}]*\}) from "(\..+?)(?:\.js)?";/gm)].flatMap(
    ([, names, from]) =>
      names
        .replaceAll(/[{}\s]|type /g, "")
        .split(",")
        .filter(Boolean)
        .map((name) => [join(dirname(file), `${from}.d.ts`), name]),
  );
  // What the module declares itself.
  return found.length > 0 ? found : [[file, "*"]];
}

const DECLARED = /^export (?:declare )?(?:abstract )?(?:interface|class|type|function|const) (\w+)/;
/** What a host's own request or server must have: their documents describe it. */
const isHosts = (file) => file.includes("node/dist/rest/");
/** A member: a name of its own, not what stands inside of a type that spans lines. */
const MEMBER = /^ {4}(?:readonly |static |get |set )*(?:\[?[\w$.]+[\]:?(<]|\[\w+: string\])/;

/** The names and members of a declaration file that have no documentation before them. */
function findUndocumented(text, wanted) {
  const lines = text.split("\n");
  const isDocumented = (index) => /\*\/$/.test(lines[index - 1] ?? "");
  const found = [];
  let open = null;
  lines.forEach((line, index) => {
    const name = DECLARED.exec(line)?.[1];
    if (name) {
      open = wanted(name) ? name : null;
      // Further signatures of one function follow each other.
      if (open && !isDocumented(index) && !DECLARED.exec(lines[index - 1] ?? "")) found.push(name);
      // The members of a type that is a choice explain themselves by its own text.
      if (/^export (?:declare )?(?:type|function|const) /.test(line)) open = null;
    } else if (line.startsWith("}")) open = null;
    else if (open && MEMBER.test(line) && !/^ {4}(private|#)/.test(line) && !isDocumented(index)) {
      found.push(`${open}: ${line.trim()}`);
    }
  });
  return found;
}

for (const entry of [
  "node/dist/index",
  "node/dist/express",
  "node/dist/fastify",
  "node/dist/otel",
  "client/dist/index",
  "react/dist/index",
]) {
  test(`what ${entry} exports is documented`, () => {
    const byFile = new Map();
    for (const one of findExports(join(NPM, `${entry}.d.ts`)))
      byFile.set(one[0], [...(byFile.get(one[0]) ?? []), one]);
    const ours = [...byFile].filter(([file]) => !isHosts(file));
    const undocumented = ours.flatMap(([file, names]) => {
      const wanted = (name) => names.some(([, one]) => one === "*" || one === name);
      return findUndocumented(readFileSync(file, "utf8"), wanted).map(
        (what) => `${file.slice(NPM.length + 1)}: ${what}`,
      );
    });
    assert.deepEqual(undocumented, []);
  });
}

test("a member without documentation is found", () => {
  const text =
    "/** A. */\nexport interface A {\n    /** b */\n    b: string;\n    c: string;\n}\nexport declare class D {\n}\n";
  assert.deepEqual(
    findUndocumented(text, () => true),
    ["A: c: string;", "D"],
  );
  assert.deepEqual(
    findUndocumented(text, (name) => name === "A"),
    ["A: c: string;"],
  );
});

test("every method that fails in a way of its own says so, and one that takes something shows how it is called", () => {
  const text = ["sessions", "auth", "keys", "events", "hellojohn", "config"]
    .map((name) => readFileSync(join(NPM, `node/src/${name}.ts`), "utf8"))
    .join("\n");
  assert.deepEqual(text.match(/^.*\* (Rejects with|Throws) .*$/gm) ?? [], [], "say @throws HelloJohnError");
  const comments = [...text.matchAll(/\/\*\*((?:(?!\*\/).)*)\*\/\n {2}async (\w+)\((?!\))/gs)].filter(
    ([, doc]) => !doc.includes("@internal"),
  );
  assert.ok(comments.length > 25);
  assert.deepEqual(
    comments
      .filter(([, doc]) => !doc.includes("@example") && !/^ (With|Without|Either)/.test(doc))
      .map(([, , name]) => name),
    [],
  );
});
