// Stands before `npm publish` in a folder of npm/: what is published was packed by .ci/release/pack.mjs, which adds the licences and the
// platforms' packages, and was tried by .ci/release/check.
console.error("not published: publish the tarballs of .ci/release/pack.mjs, see RELEASING.md");
process.exitCode = 1;
