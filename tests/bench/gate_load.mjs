// Sends requests to a server, over connections that are kept: told a port, the headers of each user and how many requests, it answers
// with how long one took on average and the slowest of a hundred, in microseconds.
import autocannon from "autocannon";

const CONNECTIONS = 32;

async function load({ port, credentials, amount }) {
  const times = [];
  let [began, ended, refused] = [0, 0, 0];
  const run = autocannon({
    url: `http://127.0.0.1:${port}`,
    connections: CONNECTIONS,
    // Connecting is not measured, so that the first answers do not count.
    amount: amount + CONNECTIONS,
    requests: credentials.map((headers) => ({ method: "GET", path: "/", headers })),
    verifyBody: (body) => body.startsWith('{"userId":"usr_'),
  });
  let answers = 0;
  run.on("response", (_, status, __, ms) => {
    answers += 1;
    if (status !== 200) refused += 1;
    if (answers === CONNECTIONS) began = performance.now();
    if (answers > CONNECTIONS) times.push(ms);
    ended = performance.now();
  });
  const { errors, mismatches } = await run;
  if (errors + mismatches + refused > 0 || times.length !== amount) {
    throw new Error(`${times.length} answers, ${errors} errors, ${mismatches} wrong, ${refused} refused`);
  }
  times.sort((a, b) => a - b);
  return { mean: ((ended - began) * 1000) / amount, p99: times[Math.floor(amount * 0.99)] * 1000 };
}

process.on("message", async (word) => {
  process.send(word === "end" ? word : await load(word), () => word === "end" && process.exit());
});
process.send("ready");
