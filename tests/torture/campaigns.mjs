// The long campaigns: what each of them tries, how often, and the tests that do it.

const OF_TESTS = ["--package", "hellojohn-tests", "--test"];
const OF_CORE = ["--package", "hellojohn", "--lib"];

/**
 * - `rounds`: of the whole campaign; the tests take them, and the first of a part, from `variable` and HJ_FROM;
 * - `part`: how many rounds are run and written down together, some minutes' worth; null where a campaign has no parts;
 * - `build`: cargo's name of the program of tests; `tests`: those of it that are run, by a part of their name (all);
 * - `server`: whether it runs beside a PostgreSQL server.
 */
function campaign(name, what, variable, rounds, part, build, tests = [], server = false) {
  return { name, what, variable, rounds, part, build, tests, server };
}

const beside = (...all) => campaign(...all, true);

export const CAMPAIGNS = [
  campaign(
    "bounds",
    "no transaction grows: sessions in the database",
    "HJ_BOUNDS_ROWS",
    1_000_000,
    null,
    OF_CORE,
    ["bounds"],
  ),
  campaign(
    "crash",
    "processes killed in the middle of writes, and opened again",
    "HJ_CRASHES",
    5_000,
    1_000,
    [...OF_TESTS, "crash"],
  ),
  campaign(
    "damage",
    "damaged files: pages zeroed, swapped, cut, flipped",
    "HJ_DAMAGE",
    50_000,
    10_000,
    [...OF_TESTS, "faults"],
    ["damage"],
  ),
  campaign("power_loss", "power losses: images of what the disk may hold", "HJ_POWER_LOSS", 400_000, 40_000, [
    ...OF_TESTS,
    "power_loss",
  ]),
  campaign("io_faults", "disks that fail: each call of so many runs, in each way", "HJ_IO_FAULTS", 20, 5, [
    ...OF_TESTS,
    "io_faults",
  ]),
  campaign(
    "linear",
    "histories of eight threads at once that some order of the calls explains",
    "HJ_LINEAR",
    20_000,
    5_000,
    [...OF_TESTS, "linear"],
    ["threads", "a_session_that_the_clock"],
  ),
  campaign(
    "linear_processes",
    "histories of four processes at once that some order of the calls explains",
    "HJ_LINEAR_PROCESSES",
    5_000,
    1_000,
    [...OF_TESTS, "linear"],
    ["processes"],
  ),
  campaign("races", "races of threads, engines and processes, rounds of each", "HJ_RACES", 20_000, 2_000, [
    ...OF_TESTS,
    "races",
  ]),
  campaign(
    "neighbours",
    "revocations by other processes, beside writers that die and stop and a shared file that is harmed",
    "HJ_NEIGHBOURS",
    1_000_000,
    100_000,
    [...OF_TESTS, "neighbours"],
  ),
  campaign(
    "cache_model",
    "every order of the steps by which processes tell each other of commits, in larger worlds",
    "HJ_CACHE_MODEL",
    1,
    null,
    [...OF_TESTS, "cache_model"],
  ),
  campaign(
    "signatures",
    "signatures, random and changed ones, against `verify_strict`",
    "HJ_SIGNATURES",
    10_000_000,
    1_000_000,
    [...OF_TESTS, "standards"],
    ["rfc8032"],
  ),
  campaign(
    "histories",
    "histories of random calls against a plain model, 200 calls each, one in ten on a disk that fails; the number of each 100, or 10, is their seed",
    "HJ_HISTORIES",
    300_000,
    20_000,
    [...OF_TESTS, "histories"],
  ),
  beside(
    "postgres_linear",
    "histories of eight threads at once over PostgreSQL",
    "HJ_LINEAR",
    20_000,
    2_000,
    [...OF_TESTS, "linear"],
    ["threads", "a_session_that_the_clock"],
  ),
  beside(
    "postgres_linear_processes",
    "histories of four processes at once over PostgreSQL",
    "HJ_LINEAR_PROCESSES",
    5_000,
    1_000,
    [...OF_TESTS, "linear"],
    ["processes"],
  ),
  beside(
    "message_cuts",
    "connections to PostgreSQL that are cut at so many of 100 messages of every operation",
    "HJ_MESSAGE_CUTS",
    100,
    null,
    [...OF_TESTS, "postgres_faults"],
    ["cuts"],
  ),
  beside(
    "cut_histories",
    "histories whose connections to PostgreSQL are cut at random messages, as many whose servers' clocks differ, and a fifth as many whose server is out of reach",
    "HJ_CUT_HISTORIES",
    5_000,
    500,
    [...OF_TESTS, "postgres_faults"],
    ["calls_whose_connections", "clocks_of_servers", "out_of_reach"],
  ),
  beside(
    "failovers",
    "failovers to a standby in the middle of histories, quick and slow ones",
    "HJ_FAILOVERS",
    100,
    20,
    [...OF_TESTS, "postgres_faults"],
    ["failover"],
  ),
];

/** Those of these names, or all. */
export function choose(names) {
  for (const name of names) {
    if (!CAMPAIGNS.some((campaign) => campaign.name === name)) {
      const known = CAMPAIGNS.map((campaign) => campaign.name);
      throw new Error(`no campaign ${name}; there are: ${known.join(" ")}`);
    }
  }
  return CAMPAIGNS.filter(({ name }) => names.length === 0 || names.includes(name));
}

/** The parts of a campaign that are left to be run: from one round to another, without what was `tried`. */
export function parts({ name, rounds, part }, { from = 0, count = rounds - from, tried = [] } = {}) {
  const isCount = (number) => Number.isSafeInteger(number) && number >= 0;
  if (!isCount(from) || !isCount(count) || count === 0) {
    const asked = count < 0 ? `FROM=${from}` : `FROM=${from} ROUNDS=${count}`;
    throw new Error(`${name}: no such rounds: ${asked}. It has ${rounds}; for others, give FROM and ROUNDS`);
  }
  if (part === null && (from !== 0 || count !== rounds)) {
    throw new Error(`${name} has no parts: FROM and ROUNDS say nothing to it`);
  }
  const found = [];
  for (let at = from; at < from + count; ) {
    const within = tried.find((range) => range.from <= at && at < range.to);
    if (within) {
      at = within.to;
      continue;
    }
    // Parts begin at the same rounds whatever is asked for, so that none is run in pieces twice.
    const next = tried.filter((range) => range.from > at).map((range) => range.from);
    const to = Math.min(from + count, part === null ? rounds : (Math.floor(at / part) + 1) * part, ...next);
    found.push({ from: at, to });
    at = to;
  }
  return found;
}
