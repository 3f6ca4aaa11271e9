// What is mutated, and which tests must notice: for each group its files, the unit tests beside the code, and the other tests
// that are tried, in this order, on what those let pass.

const HISTORIES = { test: "histories", env: { HJ_HISTORIES: "100" } };

export const GROUPS = {
  rules: {
    files: ["core/src/rules/*.rs"],
    tests: [
      { units: ["rules::"], skip: ["plain_model"] },
      HISTORIES,
      { units: ["plain_model", "engine::"] },
      { test: "explain" },
    ],
  },
  token: {
    files: ["core/src/token/*.rs"],
    tests: [{ units: ["token::", "engine::"] }, HISTORIES, { test: "revocations" }, { test: "events" }],
  },
  session: {
    files: [
      "core/src/model/session.rs",
      "core/src/engine/session_view.rs",
      "core/src/engine/session_ends.rs",
    ],
    tests: [{ units: ["model::", "engine::"] }, HISTORIES, { test: "bulk_ends" }],
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
  cookies: {
    files: ["core/src/rest/*cookie*.rs", "core/src/rest/csrf.rs"],
    tests: [{ units: ["rest::"] }, { test: "rest", env: { HJ_REST_CASES: "100" } }],
  },
};
