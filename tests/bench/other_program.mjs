// Another program, which commits to the database without telling the engines on it: whatever they remember, they have to ask again.
import Sqlite from "better-sqlite3";

const database = new Sqlite(process.argv[2], { timeout: 10_000 });
const commit = database.prepare("UPDATE clock_mark SET highest_at_ms = highest_at_ms + 1");

process.on("message", (word) => {
  if (word === "commit") commit.run();
  else database.close();
  process.send(word);
  if (word !== "commit") process.disconnect();
});
process.send("ready");
