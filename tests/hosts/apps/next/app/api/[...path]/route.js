import { hj } from "../../../lib/hellojohn.js";

const handler = hj.createHandler({ prefix: "/api" });

export { handler as DELETE, handler as GET, handler as PATCH, handler as POST };
