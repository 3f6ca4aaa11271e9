// Prints the first whole program of a language in a document: node quick_start.mjs KIND DOCUMENT
import { findPrograms } from "../../tests/docs/extract.mjs";

const [kind, file] = process.argv.slice(2);
const [program] = findPrograms([file]).programs[kind];
console.log(program.blocks.map(({ code }) => code).join("\n"));
