// The runtime of workers at the edge, which takes no native code: the verifier of @hellojohn/client alone.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { findPort, MODULES, ROOT, readVersion, withServer } from "../tools.mjs";
import { compareVerdicts } from "../verdicts.mjs";

const WORKERD = join(MODULES, ".bin/workerd");

const configure = (port) => `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);

const main :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "2026-01-01",
);
`;

export const hosts = [
  {
    name: "workerd",
    version: readVersion("workerd"),
    way: "`createVerifier` of `@hellojohn/client`, bundled by esbuild into a worker",
    test: async ({ folder }) => {
      await build({
        entryPoints: [join(ROOT, "programs/judge_worker.mjs")],
        outfile: join(folder, "worker.js"),
        bundle: true,
        format: "esm",
        logLevel: "silent",
      });
      const port = await findPort();
      const config = join(folder, "config.capnp");
      writeFileSync(config, configure(port));
      await withServer(WORKERD, ["serve", "--control-fd=1", config], { ready: "listen" }, () =>
        compareVerdicts(async (cases) => {
          const options = { method: "POST", body: JSON.stringify(cases) };
          return (await fetch(`http://127.0.0.1:${port}/`, options)).json();
        }),
      );
    },
  },
];
