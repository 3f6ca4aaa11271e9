/* The operations of tests/scenarios/README.md over the C interface, one function each. */

#include "surface.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- Arguments: JSON to C. */

void refuse(call *c, const char *field, const char *problem) {
  if (c->refused[0] == '\0') {
    snprintf(c->refused, sizeof c->refused, "%s: %s", field, problem);
  }
}

bool takes_only(call *c, const char *names) {
  const char *name;
  json_t *value;
  json_object_foreach(c->args, name, value) {
    char between_spaces[80];
    snprintf(between_spaces, sizeof between_spaces, " %s ", name);
    if (strcmp(names, "*") != 0 && strstr(names, between_spaces) == NULL) {
      refuse(c, name, "is not an argument of this call");
    }
  }
  return c->refused[0] == '\0';
}

hj_str view_of(const json_t *value) {
  return hj_str_view(json_string_value(value), json_string_length(value));
}

static hj_str text(call *c, const char *name) {
  json_t *value = json_object_get(c->args, name);
  if (value != NULL && !json_is_null(value) && !json_is_string(value)) {
    refuse(c, name, "must be a string");
  }
  return view_of(value);
}

static hj_str duration(call *c, const char *name) {
  json_t *value = json_object_get(c->args, name);
  if (json_is_integer(value)) {
    snprintf(c->digits, sizeof c->digits, "%" JSON_INTEGER_FORMAT "s", json_integer_value(value));
    return hj_str_of(c->digits);
  }
  if (json_is_real(value)) {
    snprintf(c->digits, sizeof c->digits, "%.15gs", json_real_value(value));
    return hj_str_of(c->digits);
  }
  return text(c, name);
}

/* A whole number, or `absent`. */
static int64_t whole(call *c, const char *name, int64_t least, int64_t absent) {
  json_t *value = json_object_get(c->args, name);
  if (value == NULL || json_is_null(value)) {
    return absent;
  }
  if (json_is_integer(value) && json_integer_value(value) >= least) {
    return (int64_t)json_integer_value(value);
  }
  refuse(c, name, "must be a whole number in its range");
  return absent;
}

static hj_mfa mfa(call *c, bool clearable) {
  json_t *value = json_object_get(c->args, "mfa_verified");
  if (json_is_boolean(value)) {
    return json_is_true(value) ? HJ_MFA_VERIFIED : HJ_MFA_NOT_VERIFIED;
  }
  if (value != NULL && (clearable || !json_is_null(value))) {
    refuse(c, "mfa_verified", "must be true or false");
  }
  return HJ_MFA_UNSAID;
}

/* The claims as JSON text, which the caller frees. */
static char *claims_text(const call *c) {
  json_t *value = json_object_get(c->args, "claims");
  return value == NULL || json_is_null(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

/* ---- Answers: C to JSON. */

static json_t *string(const char *value) { return value == NULL ? json_null() : json_string(value); }

static json_t *parsed(const char *json) { return json_loads(json, JSON_ALLOW_NUL, NULL); }

static json_t *session_json(const hj_session *s) {
  bool revoked = strcmp(hj_session_status(s), "revoked") == 0;
  json_t *o = json_object();
  json_object_set_new(o, "id", string(hj_session_id(s)));
  json_object_set_new(o, "user_id", string(hj_session_user_id(s)));
  json_object_set_new(o, "tenant_id", string(hj_session_tenant_id(s)));
  json_object_set_new(o, "status", string(hj_session_status(s)));
  json_object_set_new(o, "user_agent", string(hj_session_user_agent(s)));
  json_object_set_new(o, "ip_address", string(hj_session_ip_address(s)));
  json_object_set_new(o, "country", string(hj_session_country(s)));
  json_object_set_new(o, "device_type", string(hj_session_device_type(s)));
  json_object_set_new(o, "device_fingerprint", string(hj_session_device_fingerprint(s)));
  json_object_set_new(o, "created_at", json_integer(hj_session_created_at_ms(s)));
  json_object_set_new(o, "last_active_at", json_integer(hj_session_last_active_at_ms(s)));
  json_object_set_new(o, "expires_at", json_integer(hj_session_expires_at_ms(s)));
  json_object_set_new(o, "access_expires_at", json_integer(hj_session_access_expires_at_ms(s)));
  json_object_set_new(o, "revoked_at", revoked ? json_integer(hj_session_revoked_at_ms(s)) : json_null());
  json_object_set_new(o, "end_reason", string(hj_session_end_reason(s)));
  json_object_set_new(o, "org_id", string(hj_session_org_id(s)));
  json_object_set_new(o, "role", string(hj_session_role(s)));
  json_object_set_new(o, "mfa_verified", json_boolean(hj_session_mfa_verified(s)));
  json_object_set_new(o, "email", string(hj_session_email(s)));
  json_object_set_new(o, "claims", parsed(hj_session_claims_json(s)));
  json_object_set_new(o, "last_ip_address", string(hj_session_last_ip_address(s)));
  json_object_set_new(o, "last_user_agent", string(hj_session_last_user_agent(s)));
  return o;
}

static json_t *owned_session_json(hj_session *session) {
  json_t *answer = session == NULL ? NULL : session_json(session);
  hj_session_free(session);
  return answer;
}

static json_t *grant_json(hj_grant *grant) {
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
  hj_config_free(config);
  return answer;
}

static json_t *count_json(const call *c, const char *name, uint64_t count) {
  return c->status == HJ_OK ? json_pack("{s:I}", name, (json_int_t)count) : NULL;
}

static json_t *nothing(const call *c) { return c->status == HJ_OK ? json_object() : NULL; }

/* ---- Operations. */

static json_t *create(call *c) {
  hj_create_options o = hj_create_options_init();
  hj_str user_id = text(c, "user_id");
  char *claims = claims_text(c);
  hj_grant *grant = NULL;
  o.user_agent = text(c, "user_agent");
  o.ip_address = text(c, "ip_address");
  o.country = text(c, "country");
  o.device_type = text(c, "device_type");
  o.device_fingerprint = text(c, "device_fingerprint");
  o.duration = duration(c, "duration");
  o.org_id = text(c, "org_id");
  o.role = text(c, "role");
  o.email = text(c, "email");
  o.claims_json = hj_str_of(claims);
  o.mfa_verified = mfa(c, false);
  if (c->refused[0] == '\0') {
    c->status = hj_tenant_create(c->tenant, user_id, &o, &grant, &c->error);
  }
  free(claims);
  return grant_json(grant);
}

static json_t *refresh(call *c) {
  hj_refresh_options o = hj_refresh_options_init();
  hj_str token = text(c, "refresh_token");
  hj_grant *grant = NULL;
  o.ip_address = text(c, "ip_address");
  o.user_agent = text(c, "user_agent");
  if (c->refused[0] == '\0') {
    c->status = hj_tenant_refresh(c->tenant, token, &o, &grant, &c->error);
  }
  return grant_json(grant);
}

static json_t *update(call *c) {
  hj_update_options o = hj_update_options_init();
  hj_str session_id = text(c, "session_id");
  char *claims = claims_text(c);
  hj_grant *grant = NULL;
  o.org_id = text(c, "org_id");
  o.role = text(c, "role");
  o.claims_json = hj_str_of(claims);
  o.mfa_verified = mfa(c, true);
  o.clear |= json_is_null(json_object_get(c->args, "org_id")) ? HJ_CLEAR_ORG_ID : 0;
  o.clear |= json_is_null(json_object_get(c->args, "role")) ? HJ_CLEAR_ROLE : 0;
  o.clear |= json_is_null(json_object_get(c->args, "claims")) ? HJ_CLEAR_CLAIMS : 0;
  if (c->refused[0] == '\0') {
    c->status = hj_tenant_update(c->tenant, session_id, &o, &grant, &c->error);
  }
  free(claims);
  return grant_json(grant);
}

static json_t *get(call *c) {
  hj_str session_id = text(c, "session_id");
  hj_session *session = NULL;
  if (c->refused[0] == '\0') {
    c->status = hj_tenant_get(c->tenant, session_id, &session, &c->error);
  }
  return owned_session_json(session);
}

static json_t *list(call *c) {
  hj_list_options o = hj_list_options_init();
  hj_page *page = NULL;
  json_t *data, *answer;
  o.user_id = text(c, "user_id");
  o.status = text(c, "status");
  o.cursor = text(c, "cursor");
  o.limit = whole(c, "limit", INT64_MIN, 20);
  if (o.limit == 0) {
    refuse(c, "limit", "must be a whole number of at least 1"); /* 0 is how C says "not given" */
  }
  if (c->refused[0] == '\0') {
    c->status = hj_tenant_list(c->tenant, &o, &page, &c->error);
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

static json_t *verify_session(call *c) {
  hj_str session_id = text(c, "session_id");
  hj_session *session = NULL;
  json_t *answer;
  if (c->refused[0] == '\0') {
    c->status = hj_tenant_verify_session(c->tenant, session_id, &session, &c->error);
  }
  answer = owned_session_json(session);
  if (c->status != HJ_OK) { /* the ended session comes with the error */
    json_decref(answer);
    return NULL;
  }
  return answer;
}

static json_t *verify_access_token(call *c) {
  hj_str token = text(c, "token");
  hj_session *session = NULL;
  hj_claims *claims = NULL;
  json_t *answer;
  if (c->refused[0] == '\0') {
    c->status = hj_tenant_verify_access_token(c->tenant, token, &session, &claims, &c->error);
  }
  if (c->status != HJ_OK || claims == NULL) {
    hj_session_free(session);
    return NULL;
  }
  answer = json_object();
  json_object_set_new(answer, "session", owned_session_json(session));
  json_object_set_new(answer, "claims", claims_json(claims));
  return answer;
}

static json_t *verify_locally(call *c) {
  hj_verify_options o = hj_verify_options_init();
  hj_str token = text(c, "token");
  hj_claims *claims = NULL;
  o.audience = text(c, "audience");
  o.leeway_s = (uint64_t)whole(c, "leeway_s", 0, 0);
  if (c->refused[0] == '\0') {
    c->status = hj_tenant_verify_locally(c->tenant, token, &o, &claims, &c->error);
  }
  return claims_json(claims);
}

static json_t *revoke(call *c) {
  hj_str session_id = text(c, "session_id");
  if (c->refused[0] == '\0') {
    c->status = hj_tenant_revoke(c->tenant, session_id, &c->error);
  }
  return nothing(c);
}

static json_t *revoke_user(call *c) {
  hj_str user_id = text(c, "user_id"), except = text(c, "except");
  uint64_t revoked = 0;
  if (c->refused[0] == '\0') {
    c->status = hj_tenant_revoke_user(c->tenant, user_id, except, &revoked, &c->error);
  }
  return count_json(c, "revoked", revoked);
}

static json_t *revoke_tenant(call *c) {
  uint64_t revoked = 0;
  c->status = hj_tenant_revoke_tenant(c->tenant, &revoked, &c->error);
  return count_json(c, "revoked", revoked);
}

static json_t *sign_out(call *c) {
  hj_str token = text(c, "token"), scope = text(c, "scope");
  uint64_t ended = 0;
  if (c->refused[0] == '\0') {
    c->status = hj_tenant_sign_out(c->tenant, token, scope, &ended, &c->error);
  }
  return count_json(c, "revoked", ended);
}

static json_t *config(call *c) {
  hj_config *config = NULL;
  c->status = hj_tenant_config(c->tenant, &config, &c->error);
  return config_json(config);
}

static json_t *update_config(call *c) {
  char *patch = c->args == NULL ? NULL : json_dumps(c->args, JSON_COMPACT);
  hj_config *config = NULL;
  c->status = hj_tenant_update_config(c->tenant, hj_str_of(patch), &config, &c->error);
  free(patch);
  return config_json(config);
}

static json_t *jwks(call *c) {
  hj_text *set = NULL;
  json_t *answer;
  c->status = hj_tenant_jwks(c->tenant, &set, &c->error);
  answer = set == NULL ? NULL : parsed(hj_text_get(set));
  hj_text_free(set);
  return answer;
}

static json_t *keys(call *c) {
  hj_keys *keys = NULL;
  json_t *data;
  c->status = hj_tenant_keys(c->tenant, &keys, &c->error);
  if (keys == NULL) {
    return NULL;
  }
  data = json_array();
  for (size_t i = 0; i < hj_keys_count(keys); i++) {
    json_array_append_new(data, json_pack("{s:s, s:s, s:I}", "kid", hj_keys_kid(keys, i), "state",
                                          hj_keys_state(keys, i), "created_at",
                                          (json_int_t)hj_keys_created_at_ms(keys, i)));
  }
  hj_keys_free(keys);
  return json_pack("{s:o}", "data", data);
}

static json_t *rotate_keys(call *c) {
  hj_text *kid = NULL;
  json_t *answer;
  c->status = hj_tenant_rotate_keys(c->tenant, &kid, &c->error);
  answer = kid == NULL ? NULL : json_pack("{s:s}", "kid", hj_text_get(kid));
  hj_text_free(kid);
  return answer;
}

static json_t *retire_key(call *c) {
  hj_str kid = text(c, "kid");
  if (c->refused[0] == '\0') {
    c->status = hj_tenant_retire_key(c->tenant, kid, &c->error);
  }
  return nothing(c);
}

static json_t *change_secret_key(call *c) {
  hj_str key = text(c, "new_secret_key");
  if (c->refused[0] == '\0') {
    c->status = hj_tenant_change_secret_key(c->tenant, key, &c->error);
  }
  return nothing(c);
}

static json_t *stats(call *c) {
  hj_stats *s = NULL;
  int64_t oldest;
  json_t *answer;
  c->status = hj_tenant_stats(c->tenant, &s, &c->error);
  if (s == NULL) {
    return NULL;
  }
  oldest = hj_stats_oldest_unswept_at_ms(s);
  answer = json_pack("{s:{s:I, s:I, s:I}, s:I, s:I, s:o}", "sessions", "active", (json_int_t)hj_stats_active(s),
                     "expired", (json_int_t)hj_stats_expired(s), "revoked", (json_int_t)hj_stats_revoked(s),
                     "created_last_24h", (json_int_t)hj_stats_created_last_24h(s), "database_bytes",
                     (json_int_t)hj_stats_database_bytes(s), "oldest_unswept_at",
                     oldest == 0 ? json_null() : json_integer(oldest));
  hj_stats_free(s);
  return answer;
}

static json_t *sweep(call *c) {
  uint64_t stamped = 0;
  c->status = hj_tenant_sweep(c->tenant, &stamped, &c->error);
  return count_json(c, "stamped", stamped);
}

static json_t *purge(call *c) {
  hj_str older_than = duration(c, "older_than");
  int64_t before = whole(c, "before", INT64_MIN, INT64_MIN);
  uint64_t purged = 0;
  if ((older_than.ptr == NULL) == (before == INT64_MIN)) {
    refuse(c, "older_than", "exactly one of older_than and before is required"); /* C has a call for each */
  }
  if (c->refused[0] != '\0') {
    return NULL;
  }
  c->status = older_than.ptr != NULL ? hj_tenant_purge_older_than(c->tenant, older_than, &purged, &c->error)
                                     : hj_tenant_purge_before(c->tenant, before, &purged, &c->error);
  return count_json(c, "purged", purged);
}

static const operation operations[] = {
    {"create",
     " user_id user_agent ip_address country device_type device_fingerprint duration org_id role mfa_verified"
     " email claims ",
     create},
    {"refresh", " refresh_token ip_address user_agent ", refresh},
    {"update", " session_id org_id role mfa_verified claims ", update},
    {"get", " session_id ", get},
    {"list", " user_id status limit cursor ", list},
    {"verify_session", " session_id ", verify_session},
    {"verify_access_token", " token ", verify_access_token},
    {"verify_locally", " token audience leeway_s ", verify_locally},
    {"revoke", " session_id ", revoke},
    {"revoke_user", " user_id except ", revoke_user},
    {"revoke_tenant", "", revoke_tenant},
    {"sign_out", " token scope ", sign_out},
    {"config", "", config},
    {"update_config", "*", update_config},
    {"jwks", "", jwks},
    {"keys", "", keys},
    {"rotate_keys", "", rotate_keys},
    {"retire_key", " kid ", retire_key},
    {"change_secret_key", " new_secret_key ", change_secret_key},
    {"stats", "", stats},
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
