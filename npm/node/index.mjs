// Re-exports the CommonJS build: one addon and one set of classes for both module systems.
import hellojohn from "./dist/index.js";

export const {
  backupDatabase,
  checkDatabase,
  copyDatabase,
  HelloJohn,
  HelloJohnError,
  lowerLease,
  ManualClock,
  restoreDatabase,
  verifyEventLog,
} = hellojohn;
