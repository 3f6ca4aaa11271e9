/* The operations of tests/scenarios/README.md that take a filter. */

#include "surface.h"

#include <stdio.h>
#include <string.h>

/* The texts and times that a filter points to. */
struct filter_parts {
  char countries[2][256];
  int64_t times[4];
};

/* One text, or the texts of an array between commas. */
static hj_str countries(struct request *request, json_t *args, const char *name, char *joined) {
  json_t *value = json_object_get(args, name), *item;
  size_t i;
  if (!json_is_array(value)) {
    return text_in(request, args, name);
  }
  joined[0] = '\0';
  json_array_foreach(value, i, item) {
    if (!json_is_string(item)) {
      refuse(request, name, "must be a string or an array of strings");
      continue;
    }
    snprintf(joined + strlen(joined), 256 - strlen(joined), "%s%s", i == 0 ? "" : ",", json_string_value(item));
  }
  return hj_str_of(joined);
}

static hj_session_filter filter_of(struct request *request, json_t *args, struct filter_parts *parts) {
  static const char *const TIMES[] = {"created_after", "created_before", "last_active_after", "last_active_before"};
  hj_session_filter filter = hj_session_filter_init();
  const int64_t **times[] = {&filter.created_after_at_ms, &filter.created_before_at_ms, &filter.last_active_after_at_ms,
                             &filter.last_active_before_at_ms};
  json_t *verified = json_object_get(args, "mfa_verified");
  filter.user_id = text_in(request, args, "user_id");
  filter.status = text_in(request, args, "status");
  filter.country = countries(request, args, "country", parts->countries[0]);
  filter.not_country = countries(request, args, "not_country", parts->countries[1]);
  filter.ip_address = text_in(request, args, "ip_address");
  filter.not_ip_address = text_in(request, args, "not_ip_address");
  filter.device_type = text_in(request, args, "device_type");
  filter.user_agent = text_in(request, args, "user_agent");
  filter.org_id = text_in(request, args, "org_id");
  filter.role = text_in(request, args, "role");
  filter.end_reason = text_in(request, args, "end_reason");
  for (size_t i = 0; i < 4; i++) {
    json_t *time = json_object_get(args, TIMES[i]);
    if (json_is_integer(time)) {
      parts->times[i] = json_integer_value(time);
      *times[i] = &parts->times[i];
    }
  }
  if (json_is_boolean(verified)) {
    filter.mfa_verified = json_is_true(verified) ? HJ_MFA_VERIFIED : HJ_MFA_NOT_VERIFIED;
  }
  return filter;
}

/* Every other call is begun, as on an event loop. */
static bool is_next_begun(void) {
  static unsigned made;
  return made++ % 2 == 0;
}

static hj_status count_begun(struct request *request, const hj_session_filter *filter, uint64_t *found) {
  hj_pending_count *counting = NULL;
  hj_status status = hj_tenant_begin_count(request->tenant, filter, &counting, &request->error);
  if (status == HJ_OK) status = hj_pending_count_wait(counting, found, NULL, &request->error);
  hj_pending_count_free(counting);
  return status;
}

static hj_status preview_begun(struct request *request, const hj_session_filter *filter, hj_revoke_preview **preview) {
  hj_pending_count *counting = NULL;
  hj_status status = hj_tenant_begin_preview_revoke_where(request->tenant, filter, &counting, &request->error);
  if (status == HJ_OK) status = hj_pending_count_wait(counting, NULL, preview, &request->error);
  hj_pending_count_free(counting);
  return status;
}

static hj_status revoke_begun(struct request *request, const hj_session_filter *filter,
                              const hj_revoke_where_options *options, uint64_t *revoked) {
  hj_pending_write *write = NULL;
  hj_status status = hj_tenant_begin_revoke_where(request->tenant, filter, options, &write, &request->error);
  if (status == HJ_OK) status = hj_pending_write_wait(write, NULL, revoked, &request->error);
  hj_pending_write_free(write);
  return status;
}

json_t *count_sessions(struct request *request) {
  struct filter_parts parts;
  hj_session_filter filter = filter_of(request, request->args, &parts);
  uint64_t found = 0;
  if (request->refused[0] == '\0') {
    request->status = is_next_begun() ? count_begun(request, &filter, &found)
                                      : hj_tenant_count(request->tenant, &filter, &found, &request->error);
  }
  return count_json(request, "count", found);
}

json_t *revoke_sessions_where(struct request *request) {
  struct filter_parts parts;
  hj_session_filter filter = filter_of(request, json_object_get(request->args, "filter"), &parts);
  hj_revoke_where_options options = hj_revoke_where_options_init();
  hj_revoke_preview *preview = NULL;
  uint64_t revoked = 0;
  json_t *sample, *answer;
  options.plan = text_in(request, request->args, "plan");
  if (request->refused[0] != '\0') {
    return NULL;
  }
  if (!json_is_true(json_object_get(request->args, "dry_run"))) {
    request->status = is_next_begun()
                          ? revoke_begun(request, &filter, &options, &revoked)
                          : hj_tenant_revoke_where(request->tenant, &filter, &options, &revoked, &request->error);
    return count_json(request, "revoked", revoked);
  }
  request->status = is_next_begun() ? preview_begun(request, &filter, &preview)
                                    : hj_tenant_preview_revoke_where(request->tenant, &filter, &preview, &request->error);
  if (preview == NULL) {
    return NULL;
  }
  sample = json_array();
  for (size_t i = 0; i < hj_revoke_preview_sample_count(preview); i++) {
    json_array_append_new(sample, session_json(hj_revoke_preview_sample(preview, i)));
  }
  answer = json_pack("{s:I, s:o, s:s}", "count", (json_int_t)hj_revoke_preview_count(preview), "sample", sample, "plan",
                     hj_revoke_preview_plan(preview));
  hj_revoke_preview_free(preview);
  return answer;
}

json_t *list_sessions(struct request *request) {
  hj_list_options options = hj_list_options_init();
  struct filter_parts parts;
  hj_session_filter filter = filter_of(request, request->args, &parts);
  hj_page *page = NULL;
  json_t *data, *answer;
  options.filter = &filter;
  options.cursor = text_in(request, request->args, "cursor");
  options.limit = whole(request, "limit", INT64_MIN, 20);
  if (options.limit == 0) {
    refuse(request, "limit", "must be a whole number of at least 1"); /* 0 is how C says "not given" */
  }
  if (request->refused[0] == '\0') {
    request->status = hj_tenant_list(request->tenant, &options, &page, &request->error);
  }
  if (page == NULL) {
    return NULL;
  }
  data = json_array();
  for (size_t i = 0; i < hj_page_count(page); i++) {
    json_array_append_new(data, session_json(hj_page_session(page, i)));
  }
  answer = json_pack("{s:o, s:o}", "data", data, "next_cursor", string(hj_page_next_cursor(page)));
  hj_page_free(page);
  return answer;
}
