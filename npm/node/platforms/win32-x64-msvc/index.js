// Not `require("./hellojohn.node")`: bundlers would try to read the addon as JavaScript. In a bundle this throws unless the
// addon was copied beside it, and @hellojohn/node searches on.
const { createRequire } = require("node:module");
const { join } = require("node:path");

module.exports = createRequire(__filename)(join(__dirname, "hellojohn.node"));
