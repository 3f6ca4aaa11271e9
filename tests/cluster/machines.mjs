// The machines of the cluster: etcd, and three nodes with Patroni and PostgreSQL, each in the network namespace that ./run made.
import { execFile, spawn } from "node:child_process";
import { openSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const {
  HJ_CLUSTER_DIR: folder,
  HJ_CLUSTER_HUB: hub,
  HJ_CLUSTER_NODES: namespaces,
  HJ_PG_BIN: bin,
} = process.env;

export const HUB = "198.18.0.1";
const SCOPE = "hellojohn";
const DATABASE = "postgres";

/** Longer than any machine needs for anything, on a loaded computer too. */
const PATIENCE_MS = 180_000;

/** Seconds: for how long a leader that says nothing stays the leader, how often each node looks, and for how long it tries again. */
export const TIMES = { ttl: 20, loop_wait: 1, retry_timeout: 5 };

/** Asks again and again until the answer is one; what it was asked for is in the error when it takes too long. */
export async function until(what, ask) {
  for (const since = performance.now(); performance.now() - since < PATIENCE_MS; await pause(100)) {
    const answer = await ask();
    if (answer) return answer;
  }
  throw new Error(`waited too long: ${what}`);
}

/** Starts a program; what it says goes to a file. */
export function start(name, program, args) {
  const log = openSync(`${folder}/${name}.log`, "a");
  return spawn(program, args, { stdio: ["ignore", log, log] });
}

export const NODES = namespaces.split(" ").map((namespace, index) => ({
  name: `node${index + 1}`,
  namespace,
  address: `${HUB}${index + 1}`,
}));

/** The database, by all of its machines. */
export const URL = `postgres://postgres:superuser@${NODES.map(({ address }) => `${address}:5432`).join(",")}/${DATABASE}?sslmode=disable`;

// JSON is YAML.
const configuration = ({ name, address }) => ({
  scope: SCOPE,
  name,
  restapi: { listen: `${address}:8008`, connect_address: `${address}:8008` },
  etcd3: { hosts: `${HUB}:2379` },
  bootstrap: {
    dcs: {
      ...TIMES,
      maximum_lag_on_failover: 1_048_576,
      synchronous_mode: true,
      synchronous_mode_strict: true,
      postgresql: {
        use_pg_rewind: true,
        parameters: {
          max_connections: 100,
          shared_buffers: "32MB",
          synchronous_commit: "on",
          wal_retrieve_retry_interval: "100ms",
          // How long a standby that says nothing may hold up commits.
          wal_sender_timeout: "5s",
          wal_receiver_timeout: "5s",
        },
      },
    },
    initdb: [{ encoding: "UTF8" }, { locale: "C" }],
  },
  postgresql: {
    listen: `${address}:5432`,
    connect_address: `${address}:5432`,
    data_dir: `${folder}/${name}`,
    bin_dir: bin,
    pgpass: `${folder}/${name}.pgpass`,
    authentication: {
      superuser: { username: "postgres", password: "superuser" },
      replication: { username: "replicator", password: "replicator" },
    },
    parameters: { unix_socket_directories: "" },
    pg_hba: [
      "local all all trust",
      `host all all ${HUB}/24 scram-sha-256`,
      `host replication replicator ${HUB}/24 scram-sha-256`,
    ],
    remove_data_directory_on_rewind_failure: true,
    remove_data_directory_on_diverged_timelines: true,
  },
});

const asPostgres = (program, args) => ["-u", "postgres", "--", program, ...args];

export function startEtcd() {
  const client = `http://${HUB}:2379`;
  const peer = `http://${HUB}:2380`;
  const data = ["--data-dir", `${folder}/etcd`];
  const urls = ["--listen-client-urls", client, "--advertise-client-urls", client];
  const peers = ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer];
  const cluster = ["--name", "etcd", "--initial-cluster", `etcd=${peer}`];
  start("etcd", "runuser", asPostgres("etcd", [...data, ...urls, ...peers, ...cluster]));
}

export function startNode(node) {
  const file = `${folder}/${node.name}.json`;
  writeFileSync(file, JSON.stringify(configuration(node)));
  start(node.name, "ip", ["netns", "exec", node.namespace, "runuser", ...asPostgres("patroni", [file])]);
}

export async function startNodes() {
  startNode(NODES[0]);
  await until("the first node leads", async () => (await members()).some(isLeader));
  NODES.slice(1).forEach(startNode);
  await whole();
}

/** Kills every process of the node at once, as a machine that loses its power does. */
export async function kill(node) {
  const { stdout } = await run("ip", ["netns", "pids", node.namespace]);
  for (const process_ of stdout.trim().split("\n").map(Number)) {
    try {
      process.kill(process_, "SIGKILL");
    } catch (error) {
      if (error.code !== "ESRCH") throw error;
    }
  }
}

/** Pulls the node's network cable, or puts it back. */
export const unplug = (node) => run("ip", ["-n", hub, "link", "set", node.name, "down"]);
export const plug = (node) => run("ip", ["-n", hub, "link", "set", node.name, "up"]);

export async function patronictl(...args) {
  const { stdout, stderr } = await run("patronictl", ["-c", `${folder}/node1.json`, ...args], {
    timeout: PATIENCE_MS,
  });
  return stdout + stderr;
}

export const restart = (node) => patronictl("restart", SCOPE, node.name, "--force");
export const switchOver = (from, to) =>
  patronictl("switchover", SCOPE, "--leader", from.name, "--candidate", to.name, "--force");

const isLeader = ({ role, state }) => role === "leader" && state === "running";

/** What a node that answers says of all of them. */
async function members() {
  const asked = NODES.map(async ({ address }) => {
    const signal = AbortSignal.timeout(2_000);
    return (await (await fetch(`http://${address}:8008/cluster`, { signal })).json()).members;
  });
  const answers = (await Promise.allSettled(asked)).filter(({ status }) => status === "fulfilled");
  return answers.find(({ value }) => value.some(isLeader))?.value ?? [];
}

const nodeOf = ({ name }) => NODES.find((node) => node.name === name);

/** The node that leads, and its synchronous standby. */
export async function roles() {
  return until("a leader and a synchronous standby", async () => {
    const found = await members();
    const [leader, standby] = [found.find(isLeader), found.find(({ role }) => role === "sync_standby")];
    return leader && standby && { leader: nodeOf(leader), standby: nodeOf(standby) };
  });
}

/** Waits until another node leads. */
export const takenOverFrom = (former) =>
  until(`a node leads instead of ${former.name}`, async () => {
    const leader = (await members()).find(isLeader);
    return leader && leader.name !== former.name;
  });

/** Waits until every node is back, follows the leader, and one of them synchronously. */
export const whole = () =>
  until("all nodes follow one leader", async () => {
    const found = await members();
    const timeline = found.find(isLeader)?.timeline;
    const fine = found.filter(
      (member) => ["running", "streaming"].includes(member.state) && member.timeline === timeline,
    );
    return fine.length === NODES.length && fine.some(({ role }) => role === "sync_standby");
  });
