/* The keys of a tenant and its counts, of tests/scenarios/README.md. */

#include "surface.h"

static json_t *time_or_null(int64_t at) { return at == 0 ? json_null() : json_integer(at); }

json_t *list_keys(struct request *request) {
  hj_keys *keys = NULL;
  json_t *data;
  request->status = hj_tenant_keys(request->tenant, &keys, &request->error);
  if (keys == NULL) {
    return NULL;
  }
  data = json_array();
  for (size_t i = 0; i < hj_keys_count(keys); i++) {
    json_array_append_new(data, json_pack("{s:s, s:s, s:I, s:o, s:o, s:o}", "kid", hj_keys_kid(keys, i), "state",
                                          hj_keys_state(keys, i), "created_at",
                                          (json_int_t)hj_keys_created_at_ms(keys, i), "activated_at",
                                          time_or_null(hj_keys_activated_at_ms(keys, i)), "retiring_at",
                                          time_or_null(hj_keys_retiring_at_ms(keys, i)), "leaves_at",
                                          time_or_null(hj_keys_leaves_at_ms(keys, i))));
  }
  hj_keys_free(keys);
  return json_pack("{s:o}", "data", data);
}

json_t *count_by_status(struct request *request) {
  hj_stats *stats = NULL;
  int64_t oldest;
  json_t *answer;
  request->status = hj_tenant_stats(request->tenant, &stats, &request->error);
  if (stats == NULL) {
    return NULL;
  }
  oldest = hj_stats_oldest_unswept_at_ms(stats);
  answer = json_pack("{s:{s:I, s:I, s:I}, s:I, s:I, s:I, s:o, s:I, s:I, s:I}", "sessions", "active", (json_int_t)hj_stats_active(stats),
                     "expired", (json_int_t)hj_stats_expired(stats), "revoked", (json_int_t)hj_stats_revoked(stats),
                     "created_last_24h", (json_int_t)hj_stats_created_last_24h(stats), "database_bytes",
                     (json_int_t)hj_stats_database_bytes(stats), "log_bytes",
                     (json_int_t)hj_stats_log_bytes(stats), "oldest_unswept_at",
                     time_or_null(oldest), "clock_ahead_ms", (json_int_t)hj_stats_clock_ahead_ms(stats), "newest_event",
                     (json_int_t)hj_stats_newest_event(stats), "newest_sealed_event",
                     (json_int_t)hj_stats_newest_sealed_event(stats));
  hj_stats_free(stats);
  return answer;
}

json_t *count_over_time(struct request *request) {
  hj_stats *stats = NULL;
  hj_stats_periods *periods = NULL;
  hj_str series = text_in(request, request->args, "series");
  json_t *answer, *data = json_array();
  if (request->refused[0] == '\0') {
    request->status = hj_tenant_stats_series(request->tenant, series, &stats, &periods, &request->error);
  }
#define PERIOD(NAME, FIELD) json_object_set_new(period, NAME, json_integer(hj_stats_periods_##FIELD(periods, i)))
  for (size_t i = 0; i < hj_stats_periods_count(periods); i++) {
    json_t *period = json_object();
    PERIOD("begins_at", begins_at_ms);
    PERIOD("ends_at", ends_at_ms);
    PERIOD("created", created);
    PERIOD("active", active);
    PERIOD("ended", ended);
    PERIOD("ended_sign_out", ended_sign_out);
    PERIOD("ended_revoked", ended_revoked);
    PERIOD("ended_revoke_all", ended_revoke_all);
    PERIOD("ended_revoke_tenant", ended_revoke_tenant);
    PERIOD("ended_max_sessions", ended_max_sessions);
    PERIOD("ended_idle_timeout", ended_idle_timeout);
    PERIOD("ended_refresh_token_reuse", ended_refresh_token_reuse);
    PERIOD("ended_restored", ended_restored);
    PERIOD("ended_expired", ended_expired);
    json_array_append_new(data, period);
  }
#undef PERIOD
  answer = json_pack("{s:{s:I, s:I, s:I}, s:o}", "sessions", "active", (json_int_t)hj_stats_active(stats), "expired",
                     (json_int_t)hj_stats_expired(stats), "revoked", (json_int_t)hj_stats_revoked(stats), "periods", data);
  hj_stats_free(stats);
  hj_stats_periods_free(periods);
  if (request->status != HJ_OK) {
    json_decref(answer);
    return NULL;
  }
  return answer;
}
