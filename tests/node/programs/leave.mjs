// Five sign-ins, then the end that the argument names, without closing anything.
import { existsSync } from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { HelloJohn } from "@hellojohn/node";

const [way, database] = isMainThread ? process.argv.slice(2) : workerData;

async function signIn() {
  const hj = new HelloJohn({ tenantId: "tnt_a", secretKey: "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA", database });
  for (let n = 0; n < 5; n += 1) await hj.sessions.create({ userId: `usr_${n}` });
  return hj;
}

if (!isMainThread) {
  await signIn();
  if (way === "exit of a worker") process.exit(0);
  if (way === "termination of a worker") {
    parentPort.postMessage("signed in");
    setInterval(() => undefined, 1_000);
  }
} else if (way.endsWith("of a worker")) {
  const worker = new Worker(new URL(import.meta.url), { workerData: [way, database] });
  worker.once("message", () => worker.terminate());
  await new Promise((go) => worker.once("exit", go));
  // As the worker left it: this process has not ended yet.
  if (existsSync(`${database}-wal`)) throw new Error("the worker left its log");
} else {
  // A second tenant shares the engine; a program that ends with calls running must not lose the answered ones either.
  await signIn();
  const hj = await signIn();
  if (way === "exit in an exit listener") process.once("exit", () => process.exit());
  if (way === "exit during calls") for (let n = 0; n < 64; n += 1) hj.sessions.list("usr_1");
  if (way === "an exception") throw new Error("the host failed");
  if (way.startsWith("exit")) process.exit(0);
}
