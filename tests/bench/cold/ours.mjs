import { HelloJohn } from "@hellojohn/node";

const [database, tenantId, secretKey, token] = process.argv.slice(2);
const hj = new HelloJohn({ tenantId, secretKey, database });
const { payload } = await hj.verifyTokenRemote(token);
console.log(payload.sub);
await hj.close();
