import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

export default {
  serverExternalPackages: process.env.HOST_WITHOUT_SETTING ? [] : ["@hellojohn/node"],
  ...(process.env.HOST_STANDALONE && { output: "standalone" }),
  outputFileTracingRoot: root,
  turbopack: { root },
};
