/* What the operations of the surface say of factors. */

#include "surface.h"

#include <stdio.h>
#include <string.h>

hj_str factors_in(struct request *request, char *buffer, size_t size) {
  json_t *list = json_object_get(request->args, "factors");
  size_t index, used = 0;
  json_t *name;
  if (list == NULL || json_is_null(list)) {
    return hj_str_of(NULL);
  }
  if (!json_is_array(list)) {
    refuse(request, "factors", "must be an array of strings");
  }
  json_array_foreach(list, index, name) {
    if (!json_is_string(name)) {
      refuse(request, "factors", "must be an array of strings");
      return hj_str_of(NULL);
    }
    used += (size_t)snprintf(buffer + used, size - used, "%s%s", index == 0 ? "" : ",", json_string_value(name));
    if (used >= size) {
      refuse(request, "factors", "are too long");
      return hj_str_of(NULL);
    }
  }
  return used == 0 ? hj_str_of(NULL) : hj_str_of(buffer);
}

json_t *factors_json(const hj_session *session) {
  json_t *factors = json_array();
  for (size_t i = 0; i < hj_session_factor_count(session); i++) {
    json_array_append_new(factors, json_pack("{s:s, s:I}", "method", hj_session_factor_method(session, i), "at",
                                             (json_int_t)hj_session_factor_at_ms(session, i)));
  }
  return factors;
}

void actor_in(struct request *request, hj_create_options *options) {
  json_t *actor = json_object_get(request->args, "actor");
  const char *name;
  json_t *value;
  if (actor == NULL || json_is_null(actor)) {
    return;
  }
  if (!json_is_object(actor)) {
    refuse(request, "actor", "must be a JSON object");
    return;
  }
  json_object_foreach(actor, name, value) {
    if (strcmp(name, "user_id") != 0 && strcmp(name, "reason") != 0) {
      refuse(request, "actor", "has a member that there is not");
    }
  }
  options->actor_user_id = text_in(request, actor, "user_id");
  options->actor_reason = text_in(request, actor, "reason");
}

json_t *actor_json(const char *user_id, const char *reason) {
  return user_id == NULL ? json_null() : json_pack("{s:s, s:s}", "user_id", user_id, "reason", reason);
}

static json_t *factors_of_claims(const hj_claims *claims) {
  json_t *factors = json_array();
  for (size_t i = 0; i < hj_claims_factor_count(claims); i++) {
    json_array_append_new(factors, json_pack("{s:s, s:I}", "method", hj_claims_factor_method(claims, i), "at",
                                             (json_int_t)hj_claims_factor_at_ms(claims, i)));
  }
  return factors;
}

/* What a gate of the host finds that asks for recent or further factors. */
json_t *require_auth(struct request *request) {
  hj_required_auth required = hj_required_auth_init();
  hj_str token = text_in(request, request->args, "token");
  const char *verify = json_string_value(json_object_get(request->args, "verify"));
  char factors[1024];
  hj_session *session = NULL;
  hj_claims *claims = NULL;
  json_t *answer = NULL;
  required.max_age = duration(request, "max_age");
  required.factors = factors_in(request, factors, sizeof factors);
  required.refuse_actor = json_is_true(json_object_get(request->args, "refuse_actor"));
  required.role = text_in(request, request->args, "role");
  required.mfa = json_is_true(json_object_get(request->args, "mfa"));
  if (request->refused[0] != '\0') {
    return NULL;
  }
  if (verify != NULL && strcmp(verify, "local") == 0) {
    request->status = hj_tenant_require_auth_locally(request->tenant, token, &required, &claims, &request->error);
    if (claims != NULL) {
      answer = json_pack("{s:s, s:s?, s:I, s:o}", "user_id", hj_claims_user_id(claims), "actor_user_id",
                         hj_claims_actor_user_id(claims), "auth_time", (json_int_t)hj_claims_auth_time_ms(claims),
                         "factors", factors_of_claims(claims));
    }
  } else {
    request->status = hj_tenant_require_auth(request->tenant, token, &required, &session, NULL, &request->error);
    if (session != NULL && request->status == HJ_OK) {
      answer = json_pack("{s:s, s:s?, s:I, s:o}", "user_id", hj_session_user_id(session), "actor_user_id",
                         hj_session_actor_user_id(session), "auth_time", (json_int_t)hj_session_auth_time_ms(session),
                         "factors", factors_json(session));
    }
  }
  hj_session_free(session);
  hj_claims_free(claims);
  return answer;
}
