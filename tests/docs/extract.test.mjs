// What the runner of the documents' code takes for a program, and that a block that says something wrong fails.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { test } from "node:test";
import { findBlocks, findDocuments, findPrograms, ROOT } from "./extract.mjs";
import { runJavaScript } from "./javascript.mjs";

const fence = (kind, code) => `\`\`\`${kind}\n${code}\n\`\`\`\n`;

/** What `use` makes of a document with this text. */
function withDocument(text, use) {
  const folder = mkdtempSync(join(tmpdir(), "hellojohn-docs-"));
  try {
    writeFileSync(join(folder, "page.md"), text);
    return use(relative(ROOT, join(folder, "page.md")), folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("blocks keep their lines, their reasons and what is hidden", () => {
  const text = `# Page\n<!-- not run: a reason -->\n${fence("sh", "false")}\n  <!-- hidden js\n  one();\n  -->\n\n  ${fence("js", "  two();").replace(/\n```/, "\n  ```")}`;
  const [skipped, hidden, shown] = findBlocks("page.md", text);
  assert.deepEqual([skipped.line, skipped.reason], [4, "a reason"]);
  assert.deepEqual([hidden.code, hidden.isHidden], ["one();", true]);
  assert.deepEqual([shown.code, shown.isHidden], ["two();", false]);
});

test("a block without an end and a remark before no block are errors", () => {
  assert.throws(() => findBlocks("page.md", "```js\n1\n"), /page\.md:1: the block has no end/);
  assert.throws(() => findBlocks("page.md", "<!-- not run: why -->\ntext"), /stands before no block/);
});

test("blocks of one language go on until one has its own imports", () => {
  const text = [
    fence("js", "a();"),
    fence("rust", "x();"),
    fence("js", 'import b from "b";'),
    fence("js", "c();"),
  ].join("\n");
  const { js, rust } = withDocument(text, (file) => findPrograms([file]).programs);
  assert.deepEqual(
    js.map(({ blocks }) => blocks.map(({ code }) => code)),
    [["a();"], ['import b from "b";', "c();"]],
  );
  assert.equal(rust.length, 1);
});

test("a kind of block that nothing runs needs a reason", () => {
  withDocument(fence("ruby", "puts 1"), (file) =>
    assert.throws(() => findPrograms([file]), /no test runs "ruby"/),
  );
  withDocument(fence("json", "{1}"), (file) => assert.throws(() => findPrograms([file]), SyntaxError));
});

test("a program that prints something else than its comment says fails, and others do not", () => {
  const text = [
    fence("js", "console.log(1 + 1); // 2\nconsole.log({ id: 7 }); // { id: … }"),
    "<!-- new program -->",
    fence("js", "console.log(1 + 1); // 3"),
    "<!-- new program -->",
    fence("js", "Promise.reject(new Error('lost'));\nawait new Promise(setImmediate);"),
  ].join("\n");
  const results = withDocument(text, (file, folder) =>
    runJavaScript(findPrograms([file]).programs.js, folder, { js: 1 }),
  );
  assert.equal(results[0].failure, null);
  assert.match(results[1].failure, /page\.md:8: printed "2" instead of "3"/);
  assert.match(results[2].failure, /not caught: Error: lost/);
});

test("every document is looked at", () => {
  const documents = findDocuments();
  for (const name of ["README.md", "docs/guide/refresh.md", "docs/SPEC.md", "npm/node/README.md"]) {
    assert.ok(documents.includes(name), name);
  }
});
