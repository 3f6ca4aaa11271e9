export { handler as DELETE, handler as GET, handler as PATCH, handler as POST } from "../../../lib/auth.js";
