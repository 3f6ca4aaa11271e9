// Runs the programs of the shell: those of one document are one script, in a folder with links to the examples, the header and
// the library, as if it were the project's. `hellojohn` and `npx @hellojohn/node` are the command line of the Node package. A
// script that names $API finds a server there and is signed in to it.
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { place, ROOT } from "./extract.mjs";

const SECRET_KEY = "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA";

function writeProgramFile(path, text) {
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

/** The commands that the documents use and that a machine has only once the package is installed. */
export function writeCommands(folder) {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const command = `exec "${process.execPath}" "${ROOT}/npm/node/dist/command_line.js" "$@"\n`;
  // A server that the documents start listens where this run has found a free port.
  const listen = `case "$1 $*" in serve*--listen*) ;; serve*) set -- "$@" --listen "127.0.0.1:$PORT" ;; esac\n`;
  writeProgramFile(join(bin, "hellojohn"), `#!/bin/sh\n${listen}${command}`);
  writeProgramFile(
    join(bin, "npx"),
    `#!/bin/sh\n[ "$1" = @hellojohn/node ] || { echo "npx $1 is not there" >&2; exit 1; }\nshift\n${command}`,
  );
  writeProgramFile(
    join(bin, "sign-in"),
    `#!/bin/sh
case $(cat) in
*"correct horse"*) echo '{"user_id": "usr_ada", "role": "member"}' ;;
*) exit 1 ;;
esac
`,
  );
  return bin;
}

const DATABASE = `hellojohn init --tenant "$HELLOJOHN_TENANT_ID" >/dev/null
`;
const SERVER = `hellojohn serve --listen "127.0.0.1:$PORT" --sign-in-program sign-in --dashboard >server.log 2>&1 &
trap 'kill %1; wait %1 || true' EXIT
for _ in $(seq 100); do curl -fs "$API/readyz" >/dev/null && break; sleep 0.1; done
curl -fsS "$API/v1/auth/sign-in" -H "Content-Type: application/json" -d '{"email": "ada@example.com", "password": "correct horse"}' >signed-in.json
member() { node -p "JSON.parse(require('fs').readFileSync('signed-in.json'))['$1']"; }
export ACCESS_TOKEN=$(member access_token) REFRESH_TOKEN=$(member refresh_token) SESSION_ID=$(member session_id)
`;

/** What a reader sees as an error of the server is one for the test. */
const REFUSALS_FAIL =
  'curl() { case " $*" in *" -f"*) command curl "$@" ;; *) command curl --fail-with-body "$@" ;; esac; }\n';

/** Runs one script; its output only matters if it fails. */
function runScript(program, here, bin, port, library) {
  mkdirSync(join(here, "build"), { recursive: true });
  for (const name of ["examples", "include"]) symlinkSync(join(ROOT, name), join(here, name));
  symlinkSync(library, join(here, "build/c"));
  const code = program.blocks.map(({ file, line, code }) => `# ${file}:${line}\n${code}`).join("\n");
  const text = code.replaceAll(/\b8787\b/g, `${port}`);
  const makesOwn = /\bhellojohn(\/node)? init\b/.test(code) || !/\bhellojohn\b|\$API\b/.test(code);
  const begin = `${makesOwn ? "" : DATABASE}${/\$API\b/.test(code) ? SERVER : ""}`;
  const script = `set -euo pipefail\n${REFUSALS_FAIL}${begin}${text}\n`;
  writeFileSync(join(here, "script.sh"), script);
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: here,
    API: `http://127.0.0.1:${port}`,
    PORT: `${port}`,
    HELLOJOHN_TENANT_ID: "tnt_acme",
    HELLOJOHN_SECRET_KEY: SECRET_KEY,
    ...(process.env.HJ_PG ? { HJ_PG: process.env.HJ_PG } : {}),
  };
  return new Promise((done) => {
    const shell = spawn("bash", ["script.sh"], { cwd: here, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [shell.stdout, shell.stderr]) stream.on("data", (chunk) => (output += chunk));
    shell.once("error", (error) => done(`${error}`));
    shell.once("close", (status) => done(status === 0 ? null : `exit ${status}\n${output}`));
  });
}

export async function runShell(programs, folder, ports, library) {
  const bin = writeCommands(folder);
  const results = [];
  for (const [index, program] of programs.entries()) {
    const failure = await runScript(program, join(folder, `sh${index}`), bin, ports.sh, library);
    results.push({ name: `${place(program)} sh`, failure });
  }
  return results;
}
