/* The operations of tests/scenarios/README.md over the C interface, one function each. */

#include "surface.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- Arguments: JSON to C. */

void refuse(struct request *request, const char *field, const char *problem) {
  if (request->refused[0] == '\0') {
    snprintf(request->refused, sizeof request->refused, "%s: %s", field, problem);
  }
}

bool takes_only(struct request *request, const char *names) {
  const char *name;
  json_t *value;
  json_object_foreach(request->args, name, value) {
    char between_spaces[80];
    snprintf(between_spaces, sizeof between_spaces, " %s ", name);
    if (strcmp(names, "*") != 0 && strstr(names, between_spaces) == NULL) {
      refuse(request, name, "is not an argument of this call");
    }
  }
  return request->refused[0] == '\0';
}

hj_str view_of(const json_t *value) {
  return hj_str_view(json_string_value(value), json_string_length(value));
}

hj_str text_in(struct request *request, json_t *args, const char *name) {
  json_t *value = json_object_get(args, name);
  if (value != NULL && !json_is_null(value) && !json_is_string(value)) {
    refuse(request, name, "must be a string");
  }
  return view_of(value);
}

static hj_str text(struct request *request, const char *name) { return text_in(request, request->args, name); }

hj_str duration(struct request *request, const char *name) {
  json_t *value = json_object_get(request->args, name);
  if (json_is_integer(value)) {
    snprintf(request->digits, sizeof request->digits, "%" JSON_INTEGER_FORMAT "s", json_integer_value(value));
    return hj_str_of(request->digits);
  }
  if (json_is_real(value)) {
    snprintf(request->digits, sizeof request->digits, "%.15gs", json_real_value(value));
    return hj_str_of(request->digits);
  }
  return text(request, name);
}

/* A whole number, or `absent`. */
int64_t whole(struct request *request, const char *name, int64_t least, int64_t absent) {
  json_t *value = json_object_get(request->args, name);
  if (value == NULL || json_is_null(value)) {
    return absent;
  }
  if (json_is_integer(value) && json_integer_value(value) >= least) {
    return (int64_t)json_integer_value(value);
  }
  refuse(request, name, "must be a whole number in its range");
  return absent;
}

static hj_mfa mfa(struct request *request, bool clearable) {
  json_t *value = json_object_get(request->args, "mfa_verified");
  if (json_is_boolean(value)) {
    return json_is_true(value) ? HJ_MFA_VERIFIED : HJ_MFA_NOT_VERIFIED;
  }
  if (value != NULL && (clearable || !json_is_null(value))) {
    refuse(request, "mfa_verified", "must be true or false");
  }
  return HJ_MFA_UNSAID;
}

/* The claims as JSON text, which the caller frees. */
static char *claims_text(const struct request *request) {
  json_t *value = json_object_get(request->args, "claims");
  return value == NULL || json_is_null(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

/* ---- Answers: C to JSON. */

json_t *string(const char *value) { return value == NULL ? json_null() : json_string(value); }

json_t *parsed(const char *json) { return json_loads(json, JSON_ALLOW_NUL, NULL); }

json_t *session_json(const hj_session *session) {
  bool revoked = strcmp(hj_session_status(session), "revoked") == 0;
  json_t *object = json_object();
  json_object_set_new(object, "id", string(hj_session_id(session)));
  json_object_set_new(object, "user_id", string(hj_session_user_id(session)));
  json_object_set_new(object, "tenant_id", string(hj_session_tenant_id(session)));
  json_object_set_new(object, "status", string(hj_session_status(session)));
  json_object_set_new(object, "user_agent", string(hj_session_user_agent(session)));
  json_object_set_new(object, "ip_address", string(hj_session_ip_address(session)));
  json_object_set_new(object, "country", string(hj_session_country(session)));
  json_object_set_new(object, "device_type", string(hj_session_device_type(session)));
  json_object_set_new(object, "device_fingerprint", string(hj_session_device_fingerprint(session)));
  json_object_set_new(object, "created_at", json_integer(hj_session_created_at_ms(session)));
  json_object_set_new(object, "last_active_at", json_integer(hj_session_last_active_at_ms(session)));
  json_object_set_new(object, "expires_at", json_integer(hj_session_expires_at_ms(session)));
  json_object_set_new(object, "access_expires_at", json_integer(hj_session_access_expires_at_ms(session)));
  json_object_set_new(object, "revoked_at", revoked ? json_integer(hj_session_revoked_at_ms(session)) : json_null());
  json_object_set_new(object, "end_reason", string(hj_session_end_reason(session)));
  json_object_set_new(object, "org_id", string(hj_session_org_id(session)));
  json_object_set_new(object, "role", string(hj_session_role(session)));
  json_object_set_new(object, "mfa_verified", json_boolean(hj_session_mfa_verified(session)));
  json_object_set_new(object, "email", string(hj_session_email(session)));
  json_object_set_new(object, "claims", parsed(hj_session_claims_json(session)));
  json_object_set_new(object, "auth_time", json_integer(hj_session_auth_time_ms(session)));
  json_object_set_new(object, "factors", factors_json(session));
  json_object_set_new(object, "actor", actor_json(hj_session_actor_user_id(session), hj_session_actor_reason(session)));
  json_object_set_new(object, "last_ip_address", string(hj_session_last_ip_address(session)));
  json_object_set_new(object, "last_user_agent", string(hj_session_last_user_agent(session)));
  return object;
}

static json_t *owned_session_json(hj_session *session) {
  json_t *answer = session == NULL ? NULL : session_json(session);
  hj_session_free(session);
  return answer;
}

json_t *grant_json(hj_grant *grant) {
  json_t *evicted = json_array();
  json_t *answer;
  if (grant == NULL) {
    json_decref(evicted);
    return NULL;
  }
  for (size_t i = 0; i < hj_grant_evicted_count(grant); i++) {
    json_array_append_new(evicted, string(hj_grant_evicted(grant, i)));
  }
  answer = json_pack("{s:o, s:s, s:o, s:I, s:o}", "session", session_json(hj_grant_session(grant)), "access_token",
                     hj_grant_access_token(grant), "refresh_token", string(hj_grant_refresh_token(grant)),
                     "expires_in", (json_int_t)hj_grant_expires_in_s(grant), "evicted", evicted);
  hj_grant_free(grant);
  return answer;
}

static json_t *claims_json(hj_claims *claims) {
  json_t *answer = claims == NULL ? NULL : parsed(hj_claims_payload_json(claims));
  hj_claims_free(claims);
  return answer;
}

static json_t *config_json(hj_config *config) {
  json_t *answer = config == NULL ? NULL : parsed(hj_config_json(config));
  if (answer != NULL) {
    json_object_set_new(answer, "warnings", parsed(hj_config_warnings_json(config)));
  }
  hj_config_free(config);
  return answer;
}

json_t *count_json(const struct request *request, const char *name, uint64_t count) {
  return request->status == HJ_OK ? json_pack("{s:I}", name, (json_int_t)count) : NULL;
}

static json_t *nothing(const struct request *request) { return request->status == HJ_OK ? json_object() : NULL; }

/* ---- Operations. */

static json_t *create(struct request *request) {
  hj_create_options options = hj_create_options_init();
  hj_str user_id = text(request, "user_id");
  char *claims = claims_text(request);
  char factors[512];
  hj_grant *grant = NULL;
  actor_in(request, &options);
  options.factors = factors_in(request, factors, sizeof factors);
  options.user_agent = text(request, "user_agent");
  options.ip_address = text(request, "ip_address");
  options.country = text(request, "country");
  options.device_type = text(request, "device_type");
  options.device_fingerprint = text(request, "device_fingerprint");
  options.sec_ch_ua_mobile = text(request, "sec_ch_ua_mobile");
  options.sec_ch_ua_platform = text(request, "sec_ch_ua_platform");
  options.sec_ch_ua_form_factors = text(request, "sec_ch_ua_form_factors");
  options.duration = duration(request, "duration");
  options.org_id = text(request, "org_id");
  options.role = text(request, "role");
  options.email = text(request, "email");
  options.claims_json = hj_str_of(claims);
  options.mfa_verified = mfa(request, false);
  if (request->refused[0] == '\0') {
    request->status = hj_tenant_create(request->tenant, user_id, &options, &grant, &request->error);
  }
  free(claims);
  return grant_json(grant);
}

static json_t *refresh(struct request *request) {
  hj_refresh_options options = hj_refresh_options_init();
  hj_str token = text(request, "refresh_token");
  hj_grant *grant = NULL;
  options.ip_address = text(request, "ip_address");
  options.user_agent = text(request, "user_agent");
  if (request->refused[0] == '\0') {
    request->status = hj_tenant_refresh(request->tenant, token, &options, &grant, &request->error);
  }
  return grant_json(grant);
}

static json_t *adopt(struct request *request) {
  hj_refresh_options options = hj_refresh_options_init();
  hj_str credential = text(request, "credential");
  hj_grant *grant = NULL;
  options.ip_address = text(request, "ip_address");
  options.user_agent = text(request, "user_agent");
  if (request->refused[0] == '\0') {
    request->status = hj_tenant_adopt(request->tenant, credential, &options, &grant, &request->error);
  }
  return grant_json(grant);
}

static json_t *update(struct request *request) {
  hj_update_options options = hj_update_options_init();
  hj_str session_id = text(request, "session_id");
  char *claims = claims_text(request);
  hj_grant *grant = NULL;
  options.org_id = text(request, "org_id");
  options.role = text(request, "role");
  options.claims_json = hj_str_of(claims);
  options.mfa_verified = mfa(request, true);
  options.factor = text(request, "factor");
  options.clear |= json_is_null(json_object_get(request->args, "org_id")) ? HJ_CLEAR_ORG_ID : 0;
  options.clear |= json_is_null(json_object_get(request->args, "role")) ? HJ_CLEAR_ROLE : 0;
  options.clear |= json_is_null(json_object_get(request->args, "claims")) ? HJ_CLEAR_CLAIMS : 0;
  if (request->refused[0] == '\0') {
    request->status = hj_tenant_update(request->tenant, session_id, &options, &grant, &request->error);
  }
  free(claims);
  return grant_json(grant);
}

static json_t *get(struct request *request) {
  hj_str session_id = text(request, "session_id");
  hj_session *session = NULL;
  if (request->refused[0] == '\0') {
    request->status = hj_tenant_get(request->tenant, session_id, &session, &request->error);
  }
  return owned_session_json(session);
}

static json_t *verify_session(struct request *request) {
  hj_str session_id = text(request, "session_id");
  hj_session *session = NULL;
  json_t *answer;
  if (request->refused[0] == '\0') {
    hj_pending_read *read = NULL;
    request->status = hj_tenant_begin_verify_session(request->tenant, session_id, &read, &request->error);
    if (request->status == HJ_OK) {
      request->status = hj_pending_read_wait(read, &session, NULL, NULL, &request->error);
    }
    hj_pending_read_free(read);
  }
  answer = owned_session_json(session);
  if (request->status != HJ_OK) { /* the ended session comes with the error */
    json_decref(answer);
    return NULL;
  }
  return answer;
}

static json_t *verify_access_token(struct request *request) {
  hj_str token = text(request, "token");
  hj_session *session = NULL;
  hj_claims *claims = NULL;
  json_t *answer;
  if (request->refused[0] == '\0') {
    hj_pending_read *read = NULL;
    request->status = hj_tenant_begin_verify_access_token(request->tenant, token, &read, &request->error);
    if (request->status == HJ_OK) {
      request->status = hj_pending_read_wait(read, &session, &claims, NULL, &request->error);
    }
    hj_pending_read_free(read);
  }
  if (request->status != HJ_OK || claims == NULL) {
    hj_session_free(session);
    return NULL;
  }
  answer = json_object();
  json_object_set_new(answer, "session", owned_session_json(session));
  json_object_set_new(answer, "outdated", json_boolean(hj_claims_outdated(claims)));
  json_object_set_new(answer, "claims", claims_json(claims));
  return answer;
}

static json_t *verify_locally(struct request *request) {
  hj_verify_options options = hj_verify_options_init();
  hj_str token = text(request, "token");
  hj_claims *claims = NULL;
  options.audience = text(request, "audience");
  options.leeway_s = (uint64_t)whole(request, "leeway_s", 0, 0);
  if (request->refused[0] == '\0') {
    request->status = hj_tenant_verify_locally(request->tenant, token, &options, &claims, &request->error);
  }
  return claims_json(claims);
}

static json_t *revoke(struct request *request) {
  hj_str session_id = text(request, "session_id");
  if (request->refused[0] == '\0') {
    request->status = hj_tenant_revoke(request->tenant, session_id, &request->error);
  }
  return nothing(request);
}

static json_t *revoke_user(struct request *request) {
  hj_str user_id = text(request, "user_id"), except = text(request, "except");
  uint64_t revoked = 0;
  if (request->refused[0] == '\0') {
    request->status = hj_tenant_revoke_user(request->tenant, user_id, except, &revoked, &request->error);
  }
  return count_json(request, "revoked", revoked);
}

static json_t *revoke_tenant(struct request *request) {
  uint64_t revoked = 0;
  request->status = hj_tenant_revoke_tenant(request->tenant, &revoked, &request->error);
  return count_json(request, "revoked", revoked);
}

static json_t *sign_out(struct request *request) {
  hj_str token = text(request, "token"), scope = text(request, "scope");
  uint64_t ended = 0;
  if (request->refused[0] == '\0') {
    request->status = hj_tenant_sign_out(request->tenant, token, scope, &ended, &request->error);
  }
  return count_json(request, "revoked", ended);
}

static json_t *config(struct request *request) {
  hj_config *config = NULL;
  request->status = hj_tenant_config(request->tenant, &config, &request->error);
  return config_json(config);
}

static json_t *update_config(struct request *request) {
  char *patch = request->args == NULL ? NULL : json_dumps(request->args, JSON_COMPACT);
  hj_config *config = NULL;
  request->status = hj_tenant_update_config(request->tenant, hj_str_of(patch), &config, &request->error);
  free(patch);
  return config_json(config);
}

static json_t *jwks(struct request *request) {
  hj_text *set = NULL;
  json_t *answer;
  request->status = hj_tenant_jwks(request->tenant, &set, &request->error);
  answer = set == NULL ? NULL : parsed(hj_text_get(set));
  hj_text_free(set);
  return answer;
}

static json_t *rotate_keys(struct request *request) {
  hj_text *kid = NULL;
  json_t *answer;
  request->status = hj_tenant_rotate_keys(request->tenant, &kid, &request->error);
  answer = kid == NULL ? NULL : json_pack("{s:s}", "kid", hj_text_get(kid));
  hj_text_free(kid);
  return answer;
}

static json_t *retire_key(struct request *request) {
  hj_str kid = text(request, "kid");
  if (request->refused[0] == '\0') {
    request->status = hj_tenant_retire_key(request->tenant, kid, &request->error);
  }
  return nothing(request);
}

static json_t *change_secret_key(struct request *request) {
  hj_str key = text(request, "new_secret_key");
  if (request->refused[0] == '\0') {
    request->status = hj_tenant_change_secret_key(request->tenant, key, &request->error);
  }
  return nothing(request);
}

json_t *check_database(hj_str path, struct request *request) {
  hj_check_report *report = NULL;
  json_t *problems = json_array(), *answer;
  request->status = hj_check_database(path, &report, &request->error);
  for (size_t i = 0; i < hj_check_report_count(report); i++) {
    json_array_append_new(problems, json_pack("{s:s, s:s, s:s}", "kind", hj_check_report_kind(report, i), "object",
                                              hj_check_report_object(report, i), "detail",
                                              hj_check_report_detail(report, i)));
  }
  answer = json_pack("{s:b, s:o, s:I, s:{s:I, s:I, s:I}}", "ok", hj_check_report_is_ok(report), "problems", problems,
                     "problem_count", (json_int_t)hj_check_report_problem_count(report), "counts", "tenants",
                     (json_int_t)hj_check_report_tenants(report), "sessions",
                     (json_int_t)hj_check_report_sessions(report), "signing_keys",
                     (json_int_t)hj_check_report_signing_keys(report));
  hj_check_report_free(report);
  if (request->status != HJ_OK) {
    json_decref(answer);
    return NULL;
  }
  return answer;
}

/* How often it was told of, and whether the phases came in their order. */
struct told {
  int times;
  hj_copy_phase phase;
  int is_in_order;
};

static void note_progress(void *context, hj_copy_phase phase, uint64_t rows, uint64_t total_rows) {
  struct told *told = context;
  told->is_in_order &= phase >= told->phase && (phase == HJ_COPY_COUNT || rows <= total_rows);
  told->phase = phase;
  told->times++;
}

json_t *copy_database(hj_str path, const char *to, struct request *request) {
  hj_copy_report *report = NULL;
  struct told told = {0, HJ_COPY_COUNT, 1};
  json_t *answer;
  request->status = hj_copy_database(path, hj_str_of(to), note_progress, &told, &report, &request->error);
  if (request->status != HJ_OK) {
    return NULL;
  }
  if (told.times < 3 || !told.is_in_order || told.phase != HJ_COPY_VERIFY) {
    refuse(request, "progress", "was told in another order");
  }
  answer = json_pack("{s:I, s:I, s:I, s:I, s:I, s:s}", "tenants", (json_int_t)hj_copy_report_tenants(report), "sessions",
                     (json_int_t)hj_copy_report_sessions(report), "signing_keys",
                     (json_int_t)hj_copy_report_signing_keys(report), "events",
                     (json_int_t)hj_copy_report_events(report), "changed_rows",
                     (json_int_t)hj_copy_report_changed_rows(report), "checksum", hj_copy_report_checksum(report));
  hj_copy_report_free(report);
  return answer;
}

static json_t *rotate_refresh_key(struct request *request) {
  request->status = hj_tenant_rotate_refresh_key(request->tenant, &request->error);
  return nothing(request);
}

static json_t *revocations(struct request *request) {
  json_t *since = json_object_get(request->args, "since");
  hj_revocation_list *list = NULL;
  json_t *answer;
  request->status =
      hj_tenant_revocations(request->tenant, (uint64_t)json_integer_value(since), &list, &request->error);
  if (list == NULL) {
    return NULL;
  }
  answer = json_pack("{s:s, s:I, s:I, s:b}", "list", hj_revocation_list_list(list), "since",
                     (json_int_t)hj_revocation_list_since(list), "seq", (json_int_t)hj_revocation_list_seq(list),
                     "has_more", hj_revocation_list_has_more(list));
  hj_revocation_list_free(list);
  return answer;
}

static json_t *maintain(struct request *request) {
  hj_maintenance_report *report = NULL;
  json_t *answer;
  request->status = hj_tenant_maintain(request->tenant, &report, &request->error);
  if (report == NULL) {
    return NULL;
  }
  answer = json_pack("{s:I, s:I, s:I, s:I, s:I, s:b}", "stamped", (json_int_t)hj_maintenance_report_stamped(report),
                     "purged", (json_int_t)hj_maintenance_report_purged(report), "sealed_events",
                     (json_int_t)hj_maintenance_report_sealed_events(report), "deleted_events",
                     (json_int_t)hj_maintenance_report_deleted_events(report), "retired_keys",
                     (json_int_t)hj_maintenance_report_retired_keys(report), "has_more",
                     hj_maintenance_report_has_more(report));
  hj_maintenance_report_free(report);
  return answer;
}

static json_t *sweep(struct request *request) {
  uint64_t stamped = 0;
  request->status = hj_tenant_sweep(request->tenant, &stamped, &request->error);
  return count_json(request, "stamped", stamped);
}

static json_t *purge(struct request *request) {
  hj_str older_than = duration(request, "older_than");
  int64_t before = whole(request, "before", INT64_MIN, INT64_MIN);
  uint64_t purged = 0;
  if ((older_than.ptr == NULL) == (before == INT64_MIN)) {
    refuse(request, "older_than", "exactly one of older_than and before is required"); /* C has a call for each */
  }
  if (request->refused[0] != '\0') {
    return NULL;
  }
  request->status = older_than.ptr != NULL
                        ? hj_tenant_purge_older_than(request->tenant, older_than, &purged, &request->error)
                        : hj_tenant_purge_before(request->tenant, before, &purged, &request->error);
  return count_json(request, "purged", purged);
}

static const operation operations[] = {
    {"create",
     " user_id user_agent ip_address country device_type device_fingerprint duration org_id role mfa_verified"
     " email actor factors claims sec_ch_ua_mobile sec_ch_ua_platform sec_ch_ua_form_factors ",
     create},
    {"sign_in", " account ip_address user_id check ", sign_in},
    {"refresh", " refresh_token ip_address user_agent ", refresh},
    {"update", " session_id org_id role mfa_verified claims factor ", update},
    {"adopt", " credential ip_address user_agent ", adopt},
    {"import", " rows dry_run stop_at_bad_row ", import_rows},
    {"get", " session_id ", get},
    {"list", FILTER_NAMES "limit cursor ", list_sessions},
    {"explain", " session_id ", explain_session},
    {"count", FILTER_NAMES, count_sessions},
    {"revoke_where", " filter dry_run plan ", revoke_sessions_where},
    {"verify_session", " session_id ", verify_session},
    {"verify_access_token", " token ", verify_access_token},
    {"verify_locally", " token audience leeway_s ", verify_locally},
    {"require_auth", " token verify max_age factors refuse_actor role mfa ", require_auth},
    {"revoke", " session_id ", revoke},
    {"revoke_user", " user_id except ", revoke_user},
    {"revoke_tenant", "", revoke_tenant},
    {"sign_out", " token scope ", sign_out},
    {"config", "", config},
    {"update_config", "*", update_config},
    {"jwks", "", jwks},
    {"keys", "", list_keys},
    {"rotate_keys", "", rotate_keys},
    {"retire_key", " kid ", retire_key},
    {"change_secret_key", " new_secret_key ", change_secret_key},
    {"rotate_refresh_key", "", rotate_refresh_key},
    {"revocations", " since ", revocations},
    {"stats", "", count_by_status},
    {"stats_series", " series ", count_over_time},
    {"events", " after types user_id session_id limit ", list_events},
    {"seal_events", "", seal_events},
    {"check_events", " after ", check_events},
    {"export_events", "", export_events},
    {"maintain", "", maintain},
    {"sweep", "", sweep},
    {"purge", " older_than before ", purge},
};

const operation *find_operation(const char *name) {
  for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
    if (strcmp(operations[i].name, name) == 0) {
      return &operations[i];
    }
  }
  return NULL;
}
