// Runs the faults one after the other under load, and checks after each what was acknowledged; see ./run.
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { Load } from "./load.mjs";
import * as machines from "./machines.mjs";
import { markdown, plain } from "./report.mjs";

const isQuick = process.argv.includes("--quick");

/** How many calls are acknowledged before a fault, after what it changes, and when all is whole again. */
const CALLS = isQuick ? 150 : 400;

/** What happens to the cluster, each in a phase of its own. */
const FAULTS = [
  {
    name: "the leader's machine dies",
    how: "SIGKILL to Patroni and every process of PostgreSQL; later both are started again",
    isQuick: true,
    async happen(load) {
      const { leader } = await machines.roles();
      await machines.kill(leader);
      await machines.takenOverFrom(leader);
      await load.acknowledge(CALLS);
      machines.startNode(leader);
    },
  },
  {
    name: "the leader's network is cut",
    how: "its cable is pulled while it runs; later it is put back",
    async happen(load) {
      const { leader } = await machines.roles();
      await machines.unplug(leader);
      await machines.takenOverFrom(leader);
      await load.acknowledge(CALLS);
      await machines.plug(leader);
    },
  },
  {
    name: "the synchronous standby's network is cut",
    how: "no commit is acknowledged until Patroni makes the other standby synchronous",
    async happen(load) {
      const { standby } = await machines.roles();
      await machines.unplug(standby);
      await machines.until(
        "another standby is synchronous",
        async () => (await machines.roles()).standby !== standby,
      );
      await load.acknowledge(CALLS);
      await machines.plug(standby);
    },
  },
  {
    name: "a rolling restart",
    how: "`patronictl restart` of both standbys, `patronictl switchover`, `patronictl restart` of the former leader",
    async happen(load) {
      const { leader } = await machines.roles();
      for (const node of machines.NODES) if (node !== leader) await machines.restart(node);
      await machines.whole();
      await machines.switchOver(leader, (await machines.roles()).standby);
      await machines.takenOverFrom(leader);
      await machines.whole();
      await machines.restart(leader);
      await load.acknowledge(CALLS);
    },
  },
];

async function startHosts() {
  return Promise.all(
    [8100, 8200].map(async (port) => {
      const host = { address: machines.HUB, port };
      const program = machines.start(`host${port}`, process.execPath, [
        "host.mjs",
        host.address,
        port,
        machines.URL,
      ]);
      const ended = once(program, "exit").then(([code]) => {
        throw new Error(`a host ended with ${code}`);
      });
      const answers = async () => {
        try {
          return (await fetch(`http://${host.address}:${port + 1}/.well-known/jwks.json`)).ok;
        } catch {
          return false;
        }
      };
      await Promise.race([machines.until("a host answers", answers), ended]);
      ended.catch((error) => {
        console.error(error.message);
        process.exit(1);
      });
      return host;
    }),
  );
}

machines.startEtcd();
await machines.startNodes();
const hosts = await startHosts();
const rows = [];
for (const [index, { name, how, happen }] of FAULTS.filter((fault) => !isQuick || fault.isQuick).entries()) {
  const load = new Load(hosts, `phase${index}`);
  await load.acknowledge(CALLS);
  const began = performance.now();
  await happen(load);
  await machines.whole();
  await load.acknowledge(CALLS);
  await load.stop();
  const seconds = (performance.now() - began) / 1000;
  const found = await load.check();
  const { calls, failures, longestCall, longestGap } = load;
  rows.push({ name, how, calls, failures, longestCall, longestGap, seconds, ...found });
  console.log(plain(rows.at(-1)));
  for (const text of [...failures, ...found.lost, ...found.revived].slice(0, 20)) console.log(`  ${text}`);
}
if (!isQuick) writeFileSync(new URL("../../docs/CLUSTER.md", import.meta.url), await markdown(rows));
const isBad = rows.some(({ lost, revived }) => lost.length > 0 || revived.length > 0);
process.exit(isBad ? 1 : 0);
