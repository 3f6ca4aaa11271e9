// Exits with calls running, in the way that the argument says.
import { HelloJohn } from "@hellojohn/node";

const [way, database] = process.argv.slice(2);
const hj = new HelloJohn({ tenantId: "tnt_a", secretKey: "sk_test_a_7Hq2Zk9Wm4Xc1Vb8Nt5R", database });
const create = () => hj.sessions.create({ userId: "usr_1" });

/** Ends the program's own work. The timer fires only if something else keeps the process alive. */
function finish(word) {
  console.log(word);
  setTimeout(() => process.exit(9), 2_000).unref();
}

switch (way) {
  case "exit": // with running calls, queued calls and an engine that is not open yet
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
    finish("idle");
    break;
  case "pending": // an unanswered call must
    create().then(() => finish("answered"));
    break;
  case "closing":
    await create();
    hj.close().then(() => finish("closed"));
    break;
  default: {
    // Dropped without close, with a running call.
    let dropped = new HelloJohn({ tenantId: "tnt_b", secretKey: "sk_test_b_3Jd6Pf9Ls1Gv4Tn7Rk2W", database });
    dropped.sessions.create({ userId: "usr_1" }).then(() => finish("answered"));
    dropped = null;
    globalThis.gc();
  }
}
