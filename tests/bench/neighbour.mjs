// A process that changes sessions of its own, 500 times a second, on the database that another process measures: while it is told to.
import { open, pool, signIn } from "./ours.mjs";

const CHANGES_A_SECOND = 500;
const SESSIONS = 500;

const [folder, name] = process.argv.slice(2);
const hj = await open(folder, name, "normal");
const grants = await pool(
  hj,
  Array.from({ length: SESSIONS }, (_, n) => signIn(1_000_000 + n)),
);

let isAtWork = false;
let changes = Promise.resolve();

async function change() {
  const began = performance.now();
  for (let done = 0; isAtWork; done++) {
    const grant = grants[done % SESSIONS];
    grant.refreshToken = (await hj.sessions.refresh(grant.refreshToken)).refreshToken;
    const early = (done * 1000) / CHANGES_A_SECOND - (performance.now() - began);
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
  }
}

process.on("message", async (word) => {
  isAtWork = false;
  await changes;
  if (word === "end") {
    await hj.close();
    process.send(word);
    return process.disconnect();
  }
  isAtWork = word === "work";
  changes = change();
  process.send(word);
});
process.send("ready");
