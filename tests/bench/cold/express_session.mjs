import Database from "better-sqlite3";
import storeOf from "better-sqlite3-session-store";
import session from "express-session";

const [file, secret, cookie] = process.argv.slice(2);
const database = new Database(file);
const Store = storeOf(session);
// Without the timer of the store, which would keep the process alive.
const { setInterval } = globalThis;
globalThis.setInterval = (...given) => setInterval(...given).unref();
const store = new Store({ client: database });
const middleware = session({ store, secret, resave: false, saveUninitialized: false });
const request = { url: "/", method: "GET", headers: { cookie }, socket: {}, connection: {} };
middleware(request, { writeHead() {}, end() {} }, () => {
  console.log(request.session.userId);
  database.close();
});
