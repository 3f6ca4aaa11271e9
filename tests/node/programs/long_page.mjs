// Makes pages of 100 sessions while each look at the clock takes 6 ms, more than calls may take between two turns of the event loop:
// prints how often the event loop turns until each page is there.
import { performance } from "node:perf_hooks";

let now = 0;
performance.now = () => {
  now += 6;
  return now;
};
const { HelloJohn } = await import("@hellojohn/node");
const hj = new HelloJohn({
  tenantId: "tnt_a",
  secretKey: "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA",
  database: process.argv[2],
  config: { maxSessionsPerUser: null },
});

/** Counts the turns of the event loop until the list has come. */
async function turnsOf(userId) {
  let turns = 0;
  let over = false;
  const turn = () => {
    turns += 1;
    if (!over) setImmediate(turn);
  };
  setImmediate(turn);
  const list = await hj.sessions.list(userId, { limit: 100 });
  over = true;
  if (list.length !== 100) throw new Error(`${list.length} sessions`);
  return turns;
}

const turns = {};
for (const [userId, claims] of Object.entries({ small: {}, large: { text: "x".repeat(3_500) } })) {
  await Promise.all(Array.from({ length: 100 }, () => hj.sessions.create({ userId, claims })));
  // Read by another thread, then kept as it came, then kept.
  turns[userId] = [await turnsOf(userId), await turnsOf(userId), await turnsOf(userId)];
}
console.log(JSON.stringify(turns));
await hj.close();
