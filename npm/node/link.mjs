// Lets programs of this checkout (tests, examples) import the package by its name, as its users do.
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

function link(name, target) {
  const path = here(`../../node_modules/${name}`);
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  symlinkSync(relative(dirname(path), target), path, "junction");
}

link("@hellojohn/node", here("./").replace(/[/\\]$/, ""));
for (const name of [
  "jose",
  "express",
  "@types/express",
  "express4",
  "fastify",
  "hono",
  "@hono/node-server",
]) {
  link(name, here(`./node_modules/${name}`));
}
