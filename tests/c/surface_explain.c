/* explain, of tests/scenarios/README.md. */

#include "surface.h"

static json_t *time_or_null(int64_t at) { return at == 0 ? json_null() : json_integer(at); }

static json_t *count_or_null(uint64_t number) { return number == 0 ? json_null() : json_integer((json_int_t)number); }

json_t *explain_session(struct request *request) {
  hj_str session_id = text_in(request, request->args, "session_id");
  hj_explanation *found = NULL;
  json_t *answer;
  if (request->refused[0] == '\0') {
    request->status = hj_tenant_explain(request->tenant, session_id, &found, &request->error);
  }
  if (found == NULL) {
    return NULL;
  }
  answer = json_object();
  json_object_set_new(answer, "session_id", string(hj_explanation_session_id(found)));
  json_object_set_new(answer, "user_id", string(hj_explanation_user_id(found)));
  json_object_set_new(answer, "actor",
                      actor_json(hj_explanation_actor_user_id(found), hj_explanation_actor_reason(found)));
  json_object_set_new(answer, "explained_at", json_integer(hj_explanation_explained_at_ms(found)));
  json_object_set_new(answer, "status", string(hj_explanation_status(found)));
  json_object_set_new(answer, "end_reason", string(hj_explanation_end_reason(found)));
  json_object_set_new(answer, "ended_at", time_or_null(hj_explanation_ended_at_ms(found)));
  json_object_set_new(answer, "ends_by", string(hj_explanation_ends_by(found)));
  json_object_set_new(answer, "ends_at", time_or_null(hj_explanation_ends_at_ms(found)));
  json_object_set_new(answer, "duration_ends_at",
                      time_or_null(hj_explanation_duration_ends_at_ms(found)));
  json_object_set_new(answer, "idle_timeout_ends_at", time_or_null(hj_explanation_idle_timeout_ends_at_ms(found)));
  json_object_set_new(answer, "access_token_ends_at", json_integer(hj_explanation_access_token_ends_at_ms(found)));
  json_object_set_new(answer, "rank", count_or_null(hj_explanation_rank(found)));
  json_object_set_new(answer, "active_sessions", count_or_null(hj_explanation_active_sessions(found)));
  json_object_set_new(answer, "max_sessions_per_user", count_or_null(hj_explanation_max_sessions_per_user(found)));
  json_object_set_new(answer, "evicted_by_sign_in", count_or_null(hj_explanation_evicted_by_sign_in(found)));
  json_object_set_new(answer, "live_token", string(hj_explanation_live_token(found)));
  json_object_set_new(answer, "live_token_until", time_or_null(hj_explanation_live_token_until_at_ms(found)));
  json_object_set_new(answer, "former_token", string(hj_explanation_former_token(found)));
  json_object_set_new(answer, "former_token_until", time_or_null(hj_explanation_former_token_until_at_ms(found)));
  json_object_set_new(answer, "replays_left", count_or_null(hj_explanation_replays_left(found)));
  json_object_set_new(answer, "older_token", string(hj_explanation_older_token(found)));
  json_object_set_new(answer, "older_token_until", time_or_null(hj_explanation_older_token_until_at_ms(found)));
  hj_explanation_free(found);
  return answer;
}
