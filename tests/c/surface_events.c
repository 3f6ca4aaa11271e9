/* The operations of tests/scenarios/README.md on events. */

#include "surface.h"

#include <stdio.h>
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
