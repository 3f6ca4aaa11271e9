/* The lines of nulls.c for a restore with a log. */

static void restore_with_events(void) {
  const hj_str backup = HJ_STR("/nowhere/copy.db"), to = HJ_STR("/nowhere/sessions.db"), log = HJ_STR("/nowhere/log");
  const hj_str keys = HJ_STR("{\"keys\":[]}");
  hj_replay_report *replayed = NULL;
  BAD(hj_restore_database_with_events(absent, to, log, keys, &replayed, error));
  BAD(hj_restore_database_with_events(backup, absent, log, keys, &replayed, error));
  BAD(hj_restore_database_with_events(backup, to, absent, keys, &replayed, error));
  BAD(hj_restore_database_with_events(backup, to, log, absent, &replayed, error));
  BAD(hj_restore_database_with_events(backup, to, log, HJ_STR("{}"), &replayed, error));
  BAD(hj_restore_database_with_events(backup, to, log, keys, NULL, error));
  CHECK(hj_restore_database_with_events(backup, to, log, keys, &replayed, NULL) == HJ_ERR_STORAGE_IO);
  CHECK(replayed == NULL && hj_replay_report_exported_at_ms(NULL) == 0 && hj_replay_report_events(NULL) == 0);
  CHECK(hj_replay_report_ended(NULL) == 0 && !hj_replay_report_rest_ended(NULL));
  CHECK(hj_replay_report_lost_sessions(NULL) == 0 && hj_replay_report_undone_updates(NULL) == 0);
  CHECK(hj_replay_report_undone_settings(NULL) == 0 && hj_replay_report_revived_keys(NULL) == 0);
  CHECK(hj_replay_report_undone_secret_keys(NULL) == 0);
  hj_replay_report_free(NULL);
}
