// Builds the pages. Run by hand, `npm run bundle`, it writes them where the library keeps them; a test compares.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const SOURCE = new URL("src/", import.meta.url);
export const KEPT = new URL("../../core/src/rest/dashboard/", import.meta.url);

const read = (name) => readFileSync(new URL(name, SOURCE), "utf8");

async function bundle(entry, options) {
  const { outputFiles } = await build({
    bundle: true,
    minify: true,
    write: false,
    legalComments: "none",
    logLevel: "warning",
    ...options,
    ...entry,
  });
  return outputFiles[0].text;
}

/** The files, each by its name. */
export async function buildPages() {
  const sheets = ["tokens.css", "components.css", "own.css"].map((name) => `@import "./${name}";`).join("\n");
  const source = fileURLToPath(SOURCE);
  const sprite = read("icons.svg")
    .replace(/<svg[^>]*>/, '<svg class="sprite" aria-hidden="true">')
    .trim();
  return {
    "index.html": read("index.html").replace("SPRITE", () => sprite),
    "app.js": await bundle(
      { entryPoints: [`${source}app.tsx`] },
      {
        format: "esm",
        target: "es2023",
        jsx: "automatic",
        jsxImportSource: "preact",
      },
    ),
    "app.css": await bundle({ stdin: { contents: sheets, resolveDir: source, loader: "css" } }, {}),
    "icon.svg": read("favicon.svg"),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of Object.entries(await buildPages())) writeFileSync(new URL(name, KEPT), text);
}
