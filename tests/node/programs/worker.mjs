// A worker that is terminated during its calls: writes, reads and an opening run at any time.
import { parentPort, workerData } from "node:worker_threads";
import { HelloJohn } from "@hellojohn/node";

const hj = new HelloJohn(workerData);
if (workerData.config) parentPort.postMessage("opening");
for (let n = 0; ; n += 1) {
  const calls = [];
  for (let m = 0; m < 10; m += 1) {
    calls.push(hj.sessions.create({ userId: `usr_${n}` }), hj.sessions.list(`usr_${n}`), hj.jwks());
  }
  parentPort.postMessage("busy");
  const [{ session }] = await Promise.all(calls);
  await hj.sessions.get(session.id);
}
