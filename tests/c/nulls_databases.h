/* What takes a database and no engine, for nulls.c. */

#include "nulls_replay.h"

static void copy_databases(void) {
  hj_copy_report *copied = NULL;
  BAD(hj_backup_database(absent, HJ_STR("/nowhere/copy.db"), NULL, NULL, error));
  BAD(hj_backup_database(HJ_STR("/nowhere/sessions.db"), absent, NULL, NULL, error));
  CHECK(hj_backup_database(HJ_STR("/nowhere/sessions.db"), HJ_STR("/nowhere/copy.db"), NULL, NULL, NULL) ==
        HJ_ERR_STORAGE_IO);
  BAD(hj_copy_database(absent, HJ_STR("/nowhere/copy.db"), NULL, NULL, &copied, error));
  BAD(hj_copy_database(HJ_STR("/nowhere/sessions.db"), absent, NULL, NULL, &copied, error));
  BAD(hj_copy_database(HJ_STR("/nowhere/sessions.db"), HJ_STR("/nowhere/copy.db"), NULL, NULL, NULL, error));
  CHECK(hj_copy_database(HJ_STR("/nowhere/sessions.db"), HJ_STR("/nowhere/copy.db"), NULL, NULL, &copied, NULL) ==
        HJ_ERR_STORAGE_IO);
  CHECK(copied == NULL);
  CHECK(hj_copy_report_tenants(NULL) == 0 && hj_copy_report_sessions(NULL) == 0);
  CHECK(hj_copy_report_signing_keys(NULL) == 0 && hj_copy_report_events(NULL) == 0);
  CHECK(hj_copy_report_changed_rows(NULL) == 0 && hj_copy_report_checksum(NULL) == NULL);
  hj_copy_report_free(NULL);
  BAD(hj_restore_database(absent, HJ_STR("/nowhere/sessions.db"), HJ_STR("keep"), error));
  BAD(hj_restore_database(HJ_STR("/nowhere/copy.db"), absent, HJ_STR("keep"), error));
  BAD(hj_restore_database(HJ_STR("/nowhere/copy.db"), HJ_STR("/nowhere/sessions.db"), absent, error));
  BAD(hj_restore_database(HJ_STR("/nowhere/copy.db"), HJ_STR("/nowhere/sessions.db"), HJ_STR("all"), error));
  restore_with_events();
}

static void check_databases(void) {
  hj_check_report *report = (hj_check_report *)&report;
  BAD(hj_check_database(absent, &report, error));
  CHECK(report == NULL);
  BAD(hj_check_database(HJ_STR("/nowhere/sessions.db"), NULL, error));
  CHECK(hj_check_database(HJ_STR("/nowhere/sessions.db"), &report, NULL) == HJ_ERR_STORAGE_IO);
  CHECK(!hj_check_report_is_ok(NULL));
  CHECK(hj_check_report_count(NULL) == 0);
  CHECK(hj_check_report_problem_count(NULL) == 0);
  CHECK(hj_check_report_kind(NULL, 0) == NULL);
  CHECK(hj_check_report_object(NULL, 0) == NULL);
  CHECK(hj_check_report_detail(NULL, 0) == NULL);
  CHECK(hj_check_report_tenants(NULL) == 0);
  CHECK(hj_check_report_sessions(NULL) == 0);
  CHECK(hj_check_report_signing_keys(NULL) == 0);
}

static void lower_leases(void) {
  uint64_t wait_ms = 1;
  BAD(hj_lower_lease(absent, 0, &wait_ms, error));
  CHECK(wait_ms == 0);
  BAD(hj_lower_lease(HJ_STR("postgres://db.example/sessions"), 0, NULL, error));
  CHECK(hj_lower_lease(HJ_STR("/nowhere/sessions.db"), 0, &wait_ms, NULL) == HJ_ERR_VALIDATION_ERROR);
}
