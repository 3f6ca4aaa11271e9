// Leaves the process with calls under way, in the way that the argument says.
import { HelloJohn } from "@hellojohn/node";

const [way, database] = process.argv.slice(2);
const hj = new HelloJohn({ tenantId: "tnt_a", secretKey: "sk_a", database });
const create = () => hj.sessions.create({ userId: "usr_1" });

switch (way) {
  case "exit": // with calls at work, queued, and not even opened for
    if (process.argv[4] === "warm") await hj.ready();
    for (let n = 0; n < 100; n += 1) create();
    setTimeout(() => process.exit(7), Number(process.argv[5] ?? 0));
    break;
  case "throw":
    await hj.ready();
    for (let n = 0; n < 100; n += 1) create();
    throw new Error("the host failed");
  case "idle": // an open engine must not keep the process alive
    await create();
    console.log("idle");
    break;
  case "pending": // a call without an answer must
    create().then(() => console.log("answered"));
    break;
  case "closing":
    await create();
    hj.close().then(() => console.log("closed"));
    break;
  default: {
    // Dropped without close, with a call under way.
    let dropped = new HelloJohn({ tenantId: "tnt_b", secretKey: "sk_b", database });
    dropped.sessions.create({ userId: "usr_1" }).then(() => console.log("answered"));
    dropped = null;
    globalThis.gc();
  }
}
