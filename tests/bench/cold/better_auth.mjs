import { betterAuth } from "better-auth";
import Database from "better-sqlite3";

const [file, secret, cookie] = process.argv.slice(2);
const database = new Database(file);
const auth = betterAuth({
  database,
  secret,
  baseURL: "http://localhost:3000",
  logger: { disabled: true },
  telemetry: { enabled: false },
});
const found = await auth.api.getSession({ headers: new Headers({ cookie }) });
console.log(found.user.name);
database.close();
