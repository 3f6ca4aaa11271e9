// host.mjs ADDRESS PORT URL: the REST API of two tenants on the cluster, the second without a reuse window, on this port and the
// next.
import { createServer } from "node:http";
import { HelloJohn } from "@hellojohn/node";
import { BUSY_TIMEOUT, TENANTS } from "./tenants.mjs";

const [address, port, database] = process.argv.slice(2);

for (const [index, tenant] of TENANTS.entries()) {
  const hj = new HelloJohn({
    ...tenant,
    database,
    busyTimeout: BUSY_TIMEOUT,
    authenticate: ({ email }) => ({ userId: `usr_${email}` }),
  });
  await hj.ready();
  const onError = (error, { requestId }) => console.error(new Date().toISOString(), requestId, error);
  createServer(hj.middleware({ onError })).listen(Number(port) + index, address);
}
