// Stands before `npm publish` in a folder of npm/: what is published was packed by release/pack.mjs, which adds the licences and the
// platforms' packages, and was tried by release/check.
console.error("not published: publish the tarballs of release/pack.mjs, see RELEASING.md");
process.exitCode = 1;
