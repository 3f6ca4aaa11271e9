/* The operations of tests/scenarios/README.md on events. */

#include "surface.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static json_t *event_json(const hj_event *event) {
  return json_pack("{s:I, s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:o}", "seq", (json_int_t)hj_event_seq(event), "id",
                   hj_event_id(event), "type", hj_event_type(event), "at", (json_int_t)hj_event_at_ms(event),
                   "session_id", string(hj_event_session_id(event)), "user_id", string(hj_event_user_id(event)),
                   "actor", string(hj_event_actor(event)), "data", parsed(hj_event_data_json(event)), "hash",
                   string(hj_event_hash(event)));
}

json_t *list_events(struct request *request) {
  hj_events_options options = hj_events_options_init();
  hj_event_page *page = NULL;
  json_t *data, *answer, *type, *types = json_object_get(request->args, "types");
  char joined[256] = "";
  size_t at;
  bool may_have = false;
  json_array_foreach(types, at, type) {
    snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%s", at == 0 ? "" : ",",
             json_string_value(type));
  }
  if (types != NULL) {
    options.types = hj_str_of(joined);
  }
  options.after = (uint64_t)whole(request, "after", 0, 0);
  options.user_id = text_in(request, request->args, "user_id");
  options.session_id = text_in(request, request->args, "session_id");
  options.limit = whole(request, "limit", INT64_MIN, 20);
  if (options.limit == 0) {
    refuse(request, "limit", "must be a whole number of at least 1"); /* 0 is how C says "not given" */
  }
  if (request->refused[0] == '\0') {
    request->status = hj_tenant_events(request->tenant, &options, &page, &request->error);
  }
  if (page == NULL) {
    return NULL;
  }
  data = json_array();
  for (size_t i = 0; i < hj_event_page_count(page); i++) {
    json_array_append_new(data, event_json(hj_event_page_event(page, i)));
  }
  request->status = hj_tenant_may_have_events_after(request->tenant, page, &may_have, &request->error);
  if (request->status == HJ_OK && hj_event_page_has_more(page) && !may_have) {
    request->status = HJ_ERR_INTERNAL; /* a page with more after it may have more */
  }
  answer = json_pack("{s:o, s:I, s:b}", "data", data, "next_after", (json_int_t)hj_event_page_next_after(page),
                     "has_more", hj_event_page_has_more(page));
  hj_event_page_free(page);
  return answer;
}

json_t *seal_events(struct request *request) {
  uint64_t sealed = 0;
  request->status = hj_tenant_seal_events(request->tenant, &sealed, &request->error);
  return count_json(request, "sealed", sealed);
}

/* Exports a log, checks it and removes it. */
json_t *check_events(struct request *request) {
  char path[64];
  uint64_t after = (uint64_t)whole(request, "after", 0, 0);
  hj_text *keys = NULL;
  hj_event_log_report *report = NULL;
  json_t *answer = NULL;
  snprintf(path, sizeof path, "/tmp/hellojohn_events_%ld.jsonl", (long)getpid());
  remove(path);
  request->status = hj_tenant_export_events(request->tenant, after, hj_str_of(path), NULL, &request->error);
  if (request->status == HJ_OK) {
    request->status = hj_tenant_jwks(request->tenant, &keys, &request->error);
  }
  if (request->status == HJ_OK) {
    request->status = hj_verify_event_log(hj_str_of(path), hj_str_of(hj_text_get(keys)), &report, &request->error);
  }
  if (report != NULL) {
    answer = json_pack("{s:b, s:I, s:I, s:I, s:o}", "ok", hj_event_log_report_ok(report), "events",
                       (json_int_t)hj_event_log_report_events(report), "first_seq",
                       (json_int_t)hj_event_log_report_first_seq(report), "vouched_through",
                       (json_int_t)hj_event_log_report_vouched_through(report), "problem",
                       string(hj_event_log_report_problem(report)));
  }
  hj_event_log_report_free(report);
  hj_text_free(keys);
  remove(path);
  return answer;
}

/* Exports a log and the public keys beside the database. */
json_t *export_events(struct request *request) {
  char path[4096], keys_path[4096];
  uint64_t events = 0;
  hj_text *keys = NULL;
  snprintf(path, sizeof path, "%s.events", database_path());
  snprintf(keys_path, sizeof keys_path, "%s.jwks", database_path());
  request->status = hj_tenant_export_events(request->tenant, 0, hj_str_of(path), &events, &request->error);
  if (request->status == HJ_OK) {
    request->status = hj_tenant_jwks(request->tenant, &keys, &request->error);
  }
  if (keys != NULL) {
    json_t *set = json_loads(hj_text_get(keys), 0, NULL);
    json_dump_file(set, keys_path, 0);
    json_decref(set);
  }
  hj_text_free(keys);
  return count_json(request, "events", events);
}

/* Restores the backup with that log. */
json_t *restore_with_events(const char *database, struct request *request) {
  char backup[4096], path[4096], keys_path[4096];
  hj_replay_report *report = NULL;
  json_t *set, *answer = NULL;
  char *keys;
  snprintf(backup, sizeof backup, "%s.backup", database);
  snprintf(path, sizeof path, "%s.events", database);
  snprintf(keys_path, sizeof keys_path, "%s.jwks", database);
  set = json_load_file(keys_path, 0, NULL);
  keys = set == NULL ? NULL : json_dumps(set, 0);
  request->status = hj_restore_database_with_events(hj_str_of(backup), hj_str_of(database), hj_str_of(path),
                                                    hj_str_of(keys), &report, &request->error);
  free(keys);
  json_decref(set);
  if (report != NULL) {
    answer = json_pack("{s:I, s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:I}", "exported_at",
                       (json_int_t)hj_replay_report_exported_at_ms(report), "events",
                       (json_int_t)hj_replay_report_events(report), "ended", (json_int_t)hj_replay_report_ended(report),
                       "rest_ended", hj_replay_report_rest_ended(report), "lost_sessions",
                       (json_int_t)hj_replay_report_lost_sessions(report), "undone_updates",
                       (json_int_t)hj_replay_report_undone_updates(report), "undone_settings",
                       (json_int_t)hj_replay_report_undone_settings(report), "revived_keys",
                       (json_int_t)hj_replay_report_revived_keys(report), "undone_secret_keys",
                       (json_int_t)hj_replay_report_undone_secret_keys(report));
  }
  hj_replay_report_free(report);
  return answer;
}
