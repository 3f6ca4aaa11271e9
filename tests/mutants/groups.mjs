// What is mutated, and which tests must notice: for each group its files, the unit tests beside the code, and the other tests
// that are tried, in this order, on what those let pass. `only` chooses tests of a program by a part of their name; without it, all run.

const HISTORIES = { test: "histories", env: { HJ_HISTORIES: "25" } };
const SCENARIOS = { test: "scenarios", env: { HJ_SURFACES: "rust" } };

export const GROUPS = {
  rules: {
    files: ["core/src/rules/*.rs"],
    tests: [
      { units: ["rules::"], skip: ["plain_model"] },
      { test: "explain" },
      { units: ["plain_model"] },
      HISTORIES,
      { units: ["engine::"] },
      SCENARIOS,
    ],
  },
  token: {
    files: ["core/src/token/*.rs"],
    tests: [
      { units: ["token::"] },
      { test: "revocations" },
      { test: "events" },
      HISTORIES,
      { units: ["engine::"] },
      SCENARIOS,
    ],
  },
  session: {
    files: [
      "core/src/model/session.rs",
      "core/src/engine/session_view.rs",
      "core/src/engine/session_ends.rs",
    ],
    tests: [
      { units: ["model::session::", "session_view"] },
      { test: "bulk_ends" },
      { test: "filters" },
      { test: "replay" },
      { test: "events" },
      HISTORIES,
      { units: ["plain_model", "engine::"] },
      SCENARIOS,
    ],
  },
  cache: {
    files: [
      "core/src/store/sqlite/shared_*.rs",
      "core/src/store/sqlite/wal_index.rs",
      "core/src/store/sqlite/change_tracker.rs",
      "core/src/engine/answer_cache.rs",
    ],
    tests: [
      { units: ["shared_changes", "shared_words", "change_tracker", "wal_index", "answer_cache"] },
      { units: ["sqlite::tests::log", "sqlite::tests::lost_files"] },
      { test: "token_cache" },
      { test: "neighbours" },
      HISTORIES,
    ],
  },
  log: {
    files: ["core/src/store/sqlite/left_log.rs"],
    tests: [
      { units: ["left_log", "sqlite::tests::log", "sqlite::tests::lost_files"] },
      { test: "io_faults", only: ["lost_log", "what_an_opening_shows"] },
      { test: "io_faults", only: ["left_log"] },
    ],
  },
  cookies: {
    files: ["core/src/rest/*cookie*.rs", "core/src/rest/csrf.rs"],
    tests: [{ units: ["rest::"] }, { test: "rest", env: { HJ_REST_CASES: "100" } }],
  },
};
