/* Calls every function with each pointer NULL in turn: the answer is a status or an empty value, never a crash.
 * tests/c/run checks that no exported function is missing here. */

#include "check.h"

#include <string.h>

static const hj_str absent = {NULL, 0};
static hj_clock *the_clock;
static hj_engine *engine;
static hj_tenant *tenant;
static hj_grant *grant;
static hj_str token, refresh_token, id;

#define BAD(call) CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, call)
#define FINE(call) CHECK_STATUS(HJ_OK, call)

static void check_library(void) {
  CHECK(strlen(hj_version()) >= 5);
  CHECK(hj_abi_version() == HJ_ABI_VERSION);
  CHECK(hj_status_name(-1) == NULL);
  CHECK(hj_status_http(-1) == 500);
  CHECK(hj_error_status(NULL) == HJ_OK);
  CHECK(hj_error_detail(NULL) == NULL);
  CHECK(hj_operation_report_operation(NULL) == NULL);
  CHECK(hj_operation_report_tenant_id(NULL) == NULL);
  CHECK(hj_operation_report_status(NULL) == HJ_OK);
  CHECK(hj_operation_report_duration_ns(NULL) == 0);
  CHECK(hj_operation_report_rows(NULL) == 0);
  CHECK(!hj_operation_report_is_from_cache(NULL));
}

static void free_null(void) {
  hj_error_free(NULL);
  hj_clock_free(NULL);
  hj_engine_free(NULL);
  hj_tenant_free(NULL);
  hj_session_free(NULL);
  hj_grant_free(NULL);
  hj_claims_free(NULL);
  hj_page_free(NULL);
  hj_config_free(NULL);
  hj_keys_free(NULL);
  hj_stats_free(NULL);
  hj_stats_periods_free(NULL);
  hj_check_report_free(NULL);
  hj_event_free(NULL);
  hj_event_page_free(NULL);
  hj_event_log_report_free(NULL);
  hj_maintenance_report_free(NULL);
  hj_text_free(NULL);
  hj_rest_free(NULL);
  hj_response_free(NULL);
}

static void open_engines(void) {
  hj_engine *new_engine = (hj_engine *)&new_engine;
  hj_tenant *new_tenant = (hj_tenant *)&new_tenant;
  BAD(hj_clock_new(0, NULL, error));
  CHECK(hj_clock_now_at_ms(NULL) == 0);
  hj_clock_set(NULL, 1);
  hj_clock_advance_ms(NULL, 1);
  BAD(hj_engine_open(absent, NULL, &new_engine, error));
  CHECK(new_engine == NULL);
  BAD(hj_engine_open(HJ_STR(":memory:"), NULL, NULL, error));
  CHECK(hj_engine_open(HJ_STR(":memory:"), NULL, NULL, NULL) == HJ_ERR_VALIDATION_ERROR);
  BAD(hj_engine_tenant(NULL, HJ_STR("tnt"), HJ_STR("sk_test_x_1Lp5Qz8Bc2Xw6Nt9Kv3M"), &new_tenant, error));
  CHECK(new_tenant == NULL);
  BAD(hj_engine_tenant(engine, absent, HJ_STR("sk_test_x_1Lp5Qz8Bc2Xw6Nt9Kv3M"), &new_tenant, error));
  BAD(hj_engine_tenant(engine, HJ_STR("tnt"), absent, &new_tenant, error));
  BAD(hj_engine_tenant(engine, HJ_STR("tnt"), HJ_STR("sk_test_x_1Lp5Qz8Bc2Xw6Nt9Kv3M"), NULL, error));
  BAD(hj_engine_lower_clock_mark(NULL, error));
  FINE(hj_engine_lower_clock_mark(engine, error));
  CHECK(hj_engine_lower_clock_mark(engine, NULL) == HJ_OK);
  BAD(hj_engine_close(NULL, error));
  CHECK(hj_engine_close(NULL, NULL) == HJ_ERR_VALIDATION_ERROR);
}

#include "nulls_databases.h"

#include "nulls_factors.h"
#include "nulls_requests.h"
#include "nulls_begun.h"
#include "nulls_import.h"

static void sign_in(void) {
  hj_create_options create = hj_create_options_init();
  hj_refresh_options refresh = hj_refresh_options_init();
  hj_update_options update = hj_update_options_init();
  hj_grant *new_grant = (hj_grant *)&new_grant;
  hj_sign_in_attempt *attempt = (hj_sign_in_attempt *)&attempt;
  CHECK(hj_tenant_id(NULL) == NULL);
  BAD(hj_tenant_begin_sign_in(NULL, HJ_STR("ada"), absent, &attempt, error));
  CHECK(attempt == NULL);
  BAD(hj_tenant_begin_sign_in(tenant, absent, absent, &attempt, error));
  BAD(hj_tenant_begin_sign_in(tenant, HJ_STR(""), absent, &attempt, error));
  BAD(hj_tenant_begin_sign_in(tenant, HJ_STR("ada"), HJ_STR("nowhere"), &attempt, error));
  BAD(hj_tenant_begin_sign_in(tenant, HJ_STR("ada"), absent, NULL, error));
  FINE(hj_tenant_begin_sign_in(tenant, HJ_STR("ada"), absent, &attempt, error));
  BAD(hj_sign_in_attempt_succeed(NULL, HJ_STR("u"), NULL, &new_grant, error));
  BAD(hj_sign_in_attempt_succeed(attempt, absent, NULL, &new_grant, error));
  BAD(hj_sign_in_attempt_succeed(attempt, HJ_STR("u"), NULL, NULL, error));
  FINE(hj_sign_in_attempt_succeed(attempt, HJ_STR("u"), NULL, &new_grant, error));
  hj_grant_free(new_grant);
  new_grant = (hj_grant *)&new_grant;
  BAD(hj_sign_in_attempt_fail(attempt, error)); /* It has its outcome. */
  BAD(hj_sign_in_attempt_fail(NULL, error));
  BAD(hj_sign_in_attempt_cancel(NULL, error));
  BAD(hj_sign_in_attempt_cancel(attempt, error));
  hj_sign_in_attempt_free(attempt);
  hj_sign_in_attempt_free(NULL);
  CHECK(hj_error_retry_after_s(NULL) == 0);
  BAD(hj_tenant_create(NULL, HJ_STR("u"), &create, &new_grant, error));
  CHECK(new_grant == NULL);
  BAD(hj_tenant_create(tenant, absent, &create, &new_grant, error));
  BAD(hj_tenant_create(tenant, HJ_STR("usr_new"), &create, NULL, error));
  CHECK(hj_tenant_create(tenant, absent, NULL, NULL, NULL) == HJ_ERR_VALIDATION_ERROR);
  FINE(hj_tenant_create(tenant, HJ_STR("v"), NULL, &new_grant, error));
  hj_grant_free(new_grant);
  BAD(hj_tenant_refresh(NULL, refresh_token, &refresh, &new_grant, error));
  CHECK_STATUS(HJ_ERR_MISSING_TOKEN, hj_tenant_refresh(tenant, absent, &refresh, &new_grant, error));
  BAD(hj_tenant_refresh(tenant, refresh_token, &refresh, NULL, error));
  FINE(hj_tenant_refresh(tenant, refresh_token, NULL, &new_grant, error));
  hj_grant_free(new_grant);
  import_and_adopt();
  BAD(hj_tenant_update(NULL, id, &update, &new_grant, error));
  BAD(hj_tenant_update(tenant, absent, &update, &new_grant, error));
  FINE(hj_tenant_update(tenant, id, NULL, NULL, error));
  FINE(hj_tenant_update(tenant, id, &update, NULL, error));
}

static void verify(void) {
  hj_verify_options options = hj_verify_options_init();
  hj_session *session = (hj_session *)&session;
  hj_claims *claims = (hj_claims *)&claims;
  BAD(hj_tenant_verify_access_token(NULL, token, &session, &claims, error));
  CHECK(session == NULL && claims == NULL);
  CHECK_STATUS(HJ_ERR_MISSING_TOKEN, hj_tenant_verify_access_token(tenant, absent, &session, &claims, error));
  FINE(hj_tenant_verify_access_token(tenant, token, NULL, NULL, error));
  FINE(hj_tenant_verify_access_token(tenant, token, &session, NULL, error));
  hj_session_free(session);
  FINE(hj_tenant_verify_access_token(tenant, token, NULL, &claims, error));
  hj_claims_free(claims);
  CHECK(hj_tenant_verify_access_token(tenant, token, NULL, NULL, NULL) == HJ_OK);
  BAD(hj_tenant_verify_session(NULL, id, &session, error));
  BAD(hj_tenant_verify_session(tenant, absent, &session, error));
  FINE(hj_tenant_verify_session(tenant, id, NULL, error));
  BAD(hj_tenant_verify_locally(NULL, token, &options, &claims, error));
  CHECK_STATUS(HJ_ERR_MISSING_TOKEN, hj_tenant_verify_locally(tenant, absent, &options, &claims, error));
  FINE(hj_tenant_verify_locally(tenant, token, NULL, NULL, error));
  require_auth();
}

static void query(void) {
  hj_list_options options = hj_list_options_init();
  hj_session *session = (hj_session *)&session;
  hj_page *page = (hj_page *)&page;
  hj_session_filter filter = hj_session_filter_init();
  hj_revoke_preview *preview = (hj_revoke_preview *)&preview;
  hj_explanation *explanation = (hj_explanation *)&explanation;
  uint64_t number = 7;
  BAD(hj_tenant_get(NULL, id, &session, error));
  CHECK(session == NULL);
  BAD(hj_tenant_get(tenant, absent, &session, error));
  BAD(hj_tenant_get(tenant, id, NULL, error));
  BAD(hj_tenant_list(NULL, &options, &page, error));
  CHECK(page == NULL);
  BAD(hj_tenant_list(tenant, &options, NULL, error));
  FINE(hj_tenant_list(tenant, NULL, &page, error));
  CHECK(hj_page_count(page) == 3);
  begun_calls();
  CHECK(hj_page_session(page, 3) == NULL);
  hj_page_free(page);
  BAD(hj_tenant_count(NULL, &filter, &number, error));
  BAD(hj_tenant_count(tenant, &filter, NULL, error));
  FINE(hj_tenant_count(tenant, NULL, &number, error));
  CHECK(number == 3);
  /* What is not given is no filter: ending everything is another call. */
  BAD(hj_tenant_revoke_where(NULL, &filter, NULL, &number, error));
  BAD(hj_tenant_revoke_where(tenant, NULL, NULL, &number, error));
  BAD(hj_tenant_revoke_where(tenant, &filter, NULL, &number, error));
  BAD(hj_tenant_preview_revoke_where(tenant, NULL, &preview, error));
  CHECK(preview == NULL);
  filter.role = HJ_STR("none of them");
  BAD(hj_tenant_preview_revoke_where(NULL, &filter, &preview, error));
  BAD(hj_tenant_preview_revoke_where(tenant, &filter, NULL, error));
  FINE(hj_tenant_revoke_where(tenant, &filter, NULL, NULL, error));
  FINE(hj_tenant_preview_revoke_where(tenant, &filter, &preview, error));
  CHECK(hj_revoke_preview_count(preview) == 0 && hj_revoke_preview_sample_count(preview) == 0);
  CHECK(hj_revoke_preview_sample(preview, 0) == NULL && hj_revoke_preview_plan(preview) != NULL);
  CHECK(hj_revoke_preview_count(NULL) == 0 && hj_revoke_preview_plan(NULL) == NULL);
  hj_revoke_preview_free(preview);
  hj_revoke_preview_free(NULL);
  BAD(hj_tenant_explain(NULL, id, &explanation, error));
  CHECK(explanation == NULL);
  BAD(hj_tenant_explain(tenant, absent, &explanation, error));
  BAD(hj_tenant_explain(tenant, id, NULL, error));
  FINE(hj_tenant_explain(tenant, id, &explanation, error));
  CHECK(hj_explanation_status(explanation) != NULL && hj_explanation_status(NULL) == NULL);
  hj_explanation_free(explanation);
  hj_explanation_free(NULL);
}

static void change_settings_and_keys(void) {
  hj_config *config = (hj_config *)&config;
  hj_keys *keys = (hj_keys *)&keys;
  hj_text *text = (hj_text *)&text;
  hj_stats *stats = (hj_stats *)&stats;
  hj_stats_periods *periods = (hj_stats_periods *)&periods;
  BAD(hj_tenant_config(NULL, &config, error));
  CHECK(config == NULL);
  BAD(hj_tenant_config(tenant, NULL, error));
  BAD(hj_tenant_update_config(NULL, HJ_STR("{}"), &config, error));
  BAD(hj_tenant_update_config(tenant, absent, &config, error));
  FINE(hj_tenant_update_config(tenant, HJ_STR("{}"), NULL, error));
  BAD(hj_tenant_change_secret_key(NULL, HJ_STR("sk_test_y_4Wm7Hq1Zk9Xc2Vb5Nt8R"), error));
  BAD(hj_tenant_change_secret_key(tenant, absent, error));
  BAD(hj_tenant_rotate_refresh_key(NULL, error));
  FINE(hj_tenant_rotate_refresh_key(tenant, error));
  BAD(hj_tenant_keys(NULL, &keys, error));
  CHECK(keys == NULL);
  BAD(hj_tenant_keys(tenant, NULL, error));
  BAD(hj_tenant_rotate_keys(NULL, &text, error));
  CHECK(text == NULL);
  FINE(hj_tenant_rotate_keys(tenant, NULL, error));
  BAD(hj_tenant_retire_key(NULL, HJ_STR("key_x"), error));
  BAD(hj_tenant_retire_key(tenant, absent, error));
  BAD(hj_tenant_jwks(NULL, &text, error));
  BAD(hj_tenant_jwks(tenant, NULL, error));
  BAD(hj_tenant_stats(NULL, &stats, error));
  CHECK(stats == NULL);
  BAD(hj_tenant_stats(tenant, NULL, error));
  BAD(hj_tenant_stats_series(NULL, HJ_STR("24h"), NULL, &periods, error));
  CHECK(periods == NULL);
  BAD(hj_tenant_stats_series(tenant, absent, NULL, &periods, error));
  BAD(hj_tenant_stats_series(tenant, HJ_STR("24h"), &stats, NULL, error));
  FINE(hj_tenant_stats_series(tenant, HJ_STR("24h"), NULL, &periods, error));
  CHECK(hj_stats_periods_count(periods) == 24 && hj_stats_periods_ends_at_ms(periods, 24) == 0);
  hj_stats_periods_free(periods);
}

static void read_events(void) {
  hj_events_options options = hj_events_options_init();
  hj_event_page *page = (hj_event_page *)&page;
  hj_event_log_report *report = (hj_event_log_report *)&report;
  hj_tenant *acting = (hj_tenant *)&acting;
  hj_text *jwks = NULL;
  uint64_t count = 77;
  bool may_have = true;
  BAD(hj_tenant_with_actor(NULL, HJ_STR("cron"), &acting, error));
  CHECK(acting == NULL);
  BAD(hj_tenant_with_actor(tenant, HJ_STR("cron"), NULL, error));
  BAD(hj_tenant_with_actor(tenant, HJ_STR(""), &acting, error));
  FINE(hj_tenant_with_actor(tenant, absent, &acting, error));
  hj_tenant_free(acting);
  BAD(hj_tenant_events(NULL, &options, &page, error));
  CHECK(page == NULL);
  BAD(hj_tenant_events(tenant, &options, NULL, error));
  FINE(hj_tenant_events(tenant, NULL, &page, error));
  CHECK(hj_event_page_event(page, 0) == NULL);
  BAD(hj_tenant_may_have_events_after(NULL, page, &may_have, error));
  CHECK(!may_have);
  BAD(hj_tenant_may_have_events_after(tenant, NULL, &may_have, error));
  FINE(hj_tenant_may_have_events_after(tenant, page, NULL, error));
  hj_event_page_free(page);
  BAD(hj_tenant_seal_events(NULL, &count, error));
  CHECK(count == 0);
  FINE(hj_tenant_seal_events(tenant, NULL, error));
  BAD(hj_tenant_export_events(NULL, 0, HJ_STR("/nowhere/log"), &count, error));
  BAD(hj_tenant_export_events(tenant, 0, absent, &count, error));
  CHECK_STATUS(HJ_ERR_STORAGE_IO, hj_tenant_export_events(tenant, 0, HJ_STR("/nowhere/log"), NULL, error));
  FINE(hj_tenant_jwks(tenant, &jwks, error));
  BAD(hj_verify_event_log(absent, hj_str_of(hj_text_get(jwks)), &report, error));
  CHECK(report == NULL);
  BAD(hj_verify_event_log(HJ_STR("/nowhere/log"), absent, &report, error));
  BAD(hj_verify_event_log(HJ_STR("/nowhere/log"), HJ_STR("{}"), &report, error));
  BAD(hj_verify_event_log(HJ_STR("/nowhere/log"), hj_str_of(hj_text_get(jwks)), NULL, error));
  CHECK_STATUS(HJ_ERR_STORAGE_IO,
               hj_verify_event_log(HJ_STR("/nowhere/log"), hj_str_of(hj_text_get(jwks)), &report, error));
  hj_text_free(jwks);
}

static void maintain_and_revoke(void) {
  hj_maintenance_report *round = (hj_maintenance_report *)&round;
  uint64_t count = 77;
  BAD(hj_tenant_sweep(NULL, &count, error));
  CHECK(count == 0);
  FINE(hj_tenant_sweep(tenant, NULL, error));
  BAD(hj_tenant_maintain(NULL, &round, error));
  CHECK(round == NULL);
  FINE(hj_tenant_maintain(tenant, NULL, error));
  BAD(hj_tenant_purge_older_than(NULL, HJ_STR("1d"), &count, error));
  BAD(hj_tenant_purge_older_than(tenant, absent, &count, error));
  FINE(hj_tenant_purge_older_than(tenant, HJ_STR("1d"), NULL, error));
  BAD(hj_tenant_purge_before(NULL, 0, &count, error));
  FINE(hj_tenant_purge_before(tenant, 0, NULL, error));
  BAD(hj_tenant_sign_out(NULL, token, absent, &count, error));
  CHECK_STATUS(HJ_ERR_MISSING_TOKEN, hj_tenant_sign_out(tenant, absent, absent, &count, error));
  BAD(hj_tenant_revoke(NULL, id, error));
  BAD(hj_tenant_revoke(tenant, absent, error));
  BAD(hj_tenant_revoke_user(NULL, HJ_STR("u"), absent, &count, error));
  BAD(hj_tenant_revoke_user(tenant, absent, absent, &count, error));
  BAD(hj_tenant_revoke_tenant(NULL, &count, error));
  FINE(hj_tenant_sign_out(tenant, token, absent, NULL, error));
  FINE(hj_tenant_revoke(tenant, id, error));
  FINE(hj_tenant_revoke_user(tenant, HJ_STR("u"), absent, NULL, error));
  FINE(hj_tenant_revoke_tenant(tenant, NULL, error));
}

static int asked;

static void authenticate(void *user_data, hj_sign_in *sign_in) {
  hj_create_options options = hj_create_options_init();
  CHECK(user_data == NULL);
  asked++;
  BAD(hj_sign_in_accept(NULL, HJ_STR("u"), &options, error));
  BAD(hj_sign_in_accept(sign_in, absent, &options, error));
  FINE(hj_sign_in_accept(sign_in, HJ_STR("u"), NULL, error));
  CHECK(hj_sign_in_accept(sign_in, HJ_STR("u"), &options, NULL) == HJ_OK);
  hj_sign_in_fail(NULL);
  CHECK(hj_sign_in_email(NULL) == NULL);
  CHECK(hj_sign_in_password(NULL) == NULL);
  CHECK(hj_sign_in_credentials_json(NULL) == NULL);
}

static void answer_over_rest(void) {
  hj_rest_options options = hj_rest_options_init();
  hj_rest_request request = hj_rest_request_init();
  hj_header header = {HJ_STR("Content-Type"), HJ_STR("application/json")};
  hj_rest *rest = (hj_rest *)&rest;
  hj_response *answer = (hj_response *)&answer;
  BAD(hj_tenant_rest(NULL, &options, &rest, error));
  CHECK(rest == NULL);
  BAD(hj_tenant_rest(tenant, &options, NULL, error));
  FINE(hj_tenant_rest(tenant, NULL, &rest, error));
  hj_rest_free(rest);
  options.authenticate = authenticate;
  FINE(hj_tenant_rest(tenant, &options, &rest, error));

  BAD(hj_rest_handle(rest, NULL, &answer, error));
  CHECK(answer == NULL);
  BAD(hj_rest_handle(rest, &request, &answer, error));
  request.method = HJ_STR("GET");
  BAD(hj_rest_handle(rest, &request, &answer, error));
  request.target = HJ_STR("/.well-known/jwks.json");
  BAD(hj_rest_handle(NULL, &request, &answer, error));
  BAD(hj_rest_handle(rest, &request, NULL, error));
  FINE(hj_rest_handle(rest, &request, &answer, error));
  CHECK(hj_response_status(answer) == 200 && hj_response_error(answer) == NULL);
  CHECK(hj_response_header_name(answer, hj_response_header_count(answer)) == NULL);
  CHECK(hj_response_header_value(answer, SIZE_MAX) == NULL);
  hj_response_free(answer);
  request.header_count = 1;
  refuse_headers(rest, request);
  request.headers = &(hj_header){HJ_STR("accept"), absent};
  FINE(hj_rest_handle(rest, &request, &answer, error));
  CHECK(hj_response_status(answer) == 200);
  hj_response_free(answer);

  authorize_page(rest, &request);
  request.method = HJ_STR("POST");
  request.target = HJ_STR("/v1/auth/sign-in");
  request.headers = &header;
  request.body = HJ_STR("{\"email\": \"a@example.com\", \"password\": \"p\"}");
  FINE(hj_rest_handle(rest, &request, &answer, error));
  CHECK(asked == 1 && hj_response_status(answer) == 200);
  hj_response_free(answer);
  hj_rest_free(rest);
}

static void read_session(void) {
  const char *(*texts[])(const hj_session *) = {
      hj_session_id,          hj_session_user_id,     hj_session_tenant_id,          hj_session_status,
      hj_session_user_agent,  hj_session_ip_address,  hj_session_country,            hj_session_device_type,
      hj_session_end_reason,  hj_session_org_id,      hj_session_device_fingerprint, hj_session_role,
      hj_session_email,       hj_session_claims_json, hj_session_last_ip_address,    hj_session_last_user_agent,
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    CHECK(texts[i](NULL) == NULL);
  }
  CHECK(hj_session_created_at_ms(NULL) == 0);
  CHECK(hj_session_last_active_at_ms(NULL) == 0);
  CHECK(hj_session_expires_at_ms(NULL) == 0);
  CHECK(hj_session_access_expires_at_ms(NULL) == 0);
  CHECK(hj_session_revoked_at_ms(NULL) == 0);
  CHECK(!hj_session_is_active(NULL));
  CHECK(!hj_session_mfa_verified(NULL));
}

static void read_other_objects(void) {
  CHECK(hj_grant_session(NULL) == NULL);
  CHECK(hj_grant_access_token(NULL) == NULL);
  CHECK(hj_grant_refresh_token(NULL) == NULL);
  CHECK(hj_grant_expires_in_s(NULL) == 0);
  CHECK(hj_grant_evicted_count(NULL) == 0);
  CHECK(hj_grant_evicted(NULL, 0) == NULL);
  CHECK(hj_grant_evicted(grant, 0) == NULL);
  CHECK(hj_grant_evicted(grant, SIZE_MAX) == NULL);
  CHECK(hj_claims_user_id(NULL) == NULL);
  CHECK(hj_claims_session_id(NULL) == NULL);
  CHECK(hj_claims_tenant_id(NULL) == NULL);
  CHECK(hj_claims_org_id(NULL) == NULL);
  CHECK(hj_claims_role(NULL) == NULL);
  CHECK(!hj_claims_mfa_verified(NULL));
  CHECK(hj_claims_email(NULL) == NULL);
  CHECK(hj_claims_issued_at_ms(NULL) == 0);
  CHECK(hj_claims_expires_at_ms(NULL) == 0);
  CHECK(hj_claims_token_id(NULL) == NULL);
  CHECK(hj_claims_payload_json(NULL) == NULL);
  CHECK(!hj_claims_outdated(NULL));
  CHECK(hj_page_count(NULL) == 0);
  CHECK(hj_page_session(NULL, 0) == NULL);
  CHECK(hj_page_next_cursor(NULL) == NULL);
  CHECK(hj_config_session_duration_s(NULL) == 0);
  CHECK(hj_config_access_token_ttl_s(NULL) == 0);
  CHECK(hj_config_idle_timeout_s(NULL) == 0);
  CHECK(hj_config_max_sessions_per_user(NULL) == 0);
  CHECK(hj_config_refresh_reuse_window_s(NULL) == 0);
  CHECK(hj_config_event_retention_s(NULL) == 0);
  CHECK(hj_config_record_retention_s(NULL) == 0);
  CHECK(!hj_config_revocation_list(NULL));
  CHECK(hj_config_max_actor_duration_s(NULL) == 0);
  CHECK(hj_config_json(NULL) == NULL);
  hj_revocation_list *list = (hj_revocation_list *)&list;
  BAD(hj_tenant_revocations(NULL, 0, &list, error));
  CHECK(list == NULL);
  BAD(hj_tenant_revocations(tenant, 0, NULL, error));
  BAD(hj_tenant_revocations(tenant, 0, &list, error)); // it is off
  hj_revocation_list_free(NULL);
  CHECK(hj_revocation_list_list(NULL) == NULL);
  CHECK(hj_revocation_list_since(NULL) == 0);
  CHECK(hj_revocation_list_seq(NULL) == 0);
  CHECK(!hj_revocation_list_has_more(NULL));
  CHECK(hj_event_seq(NULL) == 0);
  CHECK(hj_event_id(NULL) == NULL);
  CHECK(hj_event_type(NULL) == NULL);
  CHECK(hj_event_at_ms(NULL) == 0);
  CHECK(hj_event_session_id(NULL) == NULL);
  CHECK(hj_event_user_id(NULL) == NULL);
  CHECK(hj_event_actor(NULL) == NULL);
  CHECK(hj_event_data_json(NULL) == NULL);
  CHECK(hj_event_hash(NULL) == NULL);
  CHECK(hj_event_page_count(NULL) == 0);
  CHECK(hj_event_page_event(NULL, 0) == NULL);
  CHECK(hj_event_page_next_after(NULL) == 0);
  CHECK(!hj_event_page_has_more(NULL));
  CHECK(hj_keys_count(NULL) == 0);
  CHECK(hj_keys_kid(NULL, 0) == NULL);
  CHECK(hj_keys_state(NULL, 0) == NULL);
  CHECK(hj_keys_created_at_ms(NULL, 0) == 0);
  CHECK(hj_keys_activated_at_ms(NULL, 0) == 0);
  CHECK(hj_keys_retiring_at_ms(NULL, 0) == 0);
  CHECK(hj_keys_leaves_at_ms(NULL, 0) == 0);
  CHECK(hj_stats_active(NULL) == 0);
  CHECK(hj_stats_expired(NULL) == 0);
  CHECK(hj_stats_revoked(NULL) == 0);
  CHECK(hj_stats_created_last_24h(NULL) == 0);
  CHECK(hj_stats_database_bytes(NULL) == 0);
  CHECK(hj_stats_log_bytes(NULL) == 0);
  CHECK(hj_stats_oldest_unswept_at_ms(NULL) == 0);
  CHECK(hj_stats_clock_ahead_ms(NULL) == 0);
  CHECK(!hj_event_log_report_ok(NULL));
  CHECK(hj_event_log_report_tenant_id(NULL) == NULL);
  CHECK(hj_event_log_report_events(NULL) == 0);
  CHECK(hj_event_log_report_first_seq(NULL) == 0);
  CHECK(hj_event_log_report_vouched_through(NULL) == 0);
  CHECK(hj_event_log_report_exported_at_ms(NULL) == 0);
  CHECK(hj_event_log_report_problem(NULL) == NULL);
  CHECK(hj_event_log_report_problem_seq(NULL) == 0);
  CHECK(hj_event_log_report_problem_line(NULL) == 0);
  CHECK(hj_event_log_report_detail(NULL) == NULL);
  CHECK(hj_maintenance_report_stamped(NULL) == 0);
  CHECK(hj_maintenance_report_purged(NULL) == 0);
  CHECK(hj_maintenance_report_sealed_events(NULL) == 0);
  CHECK(hj_maintenance_report_deleted_events(NULL) == 0);
  CHECK(hj_maintenance_report_retired_keys(NULL) == 0);
  CHECK(!hj_maintenance_report_has_more(NULL));
  CHECK(hj_stats_newest_event(NULL) == 0);
  CHECK(hj_stats_newest_sealed_event(NULL) == 0);
  CHECK(hj_stats_periods_begins_at_ms(NULL, 0) == 0);
  CHECK(hj_stats_periods_ends_at_ms(NULL, 0) == 0);
  CHECK(hj_stats_periods_created(NULL, 0) == 0);
  CHECK(hj_stats_periods_active(NULL, 0) == 0);
  CHECK(hj_stats_periods_ended(NULL, 0) == 0);
  CHECK(hj_stats_periods_ended_sign_out(NULL, 0) == 0);
  CHECK(hj_stats_periods_ended_revoked(NULL, 0) == 0);
  CHECK(hj_stats_periods_ended_revoke_all(NULL, 0) == 0);
  CHECK(hj_stats_periods_ended_revoke_tenant(NULL, 0) == 0);
  CHECK(hj_stats_periods_ended_max_sessions(NULL, 0) == 0);
  CHECK(hj_stats_periods_ended_idle_timeout(NULL, 0) == 0);
  CHECK(hj_stats_periods_ended_refresh_token_reuse(NULL, 0) == 0);
  CHECK(hj_stats_periods_ended_restored(NULL, 0) == 0);
  CHECK(hj_stats_periods_ended_expired(NULL, 0) == 0);
  CHECK(hj_stats_periods_count(NULL) == 0);
  CHECK(hj_config_warnings_json(NULL) == NULL);
  CHECK(hj_explanation_session_id(NULL) == NULL);
  CHECK(hj_explanation_user_id(NULL) == NULL);
  CHECK(hj_explanation_explained_at_ms(NULL) == 0);
  CHECK(hj_explanation_end_reason(NULL) == NULL);
  CHECK(hj_explanation_ended_at_ms(NULL) == 0);
  CHECK(hj_explanation_ends_by(NULL) == NULL);
  CHECK(hj_explanation_ends_at_ms(NULL) == 0);
  CHECK(hj_explanation_duration_ends_at_ms(NULL) == 0);
  CHECK(hj_explanation_idle_timeout_ends_at_ms(NULL) == 0);
  CHECK(hj_explanation_access_token_ends_at_ms(NULL) == 0);
  CHECK(hj_explanation_rank(NULL) == 0);
  CHECK(hj_explanation_active_sessions(NULL) == 0);
  CHECK(hj_explanation_max_sessions_per_user(NULL) == 0);
  CHECK(hj_explanation_evicted_by_sign_in(NULL) == 0);
  CHECK(hj_explanation_live_token(NULL) == NULL);
  CHECK(hj_explanation_live_token_until_at_ms(NULL) == 0);
  CHECK(hj_explanation_former_token(NULL) == NULL);
  CHECK(hj_explanation_former_token_until_at_ms(NULL) == 0);
  CHECK(hj_explanation_replays_left(NULL) == 0);
  CHECK(hj_explanation_older_token(NULL) == NULL);
  CHECK(hj_explanation_older_token_until_at_ms(NULL) == 0);
  CHECK(hj_text_get(NULL) == NULL);
  CHECK(hj_text_len(NULL) == 0);
  CHECK(hj_response_status(NULL) == 0);
  CHECK(hj_response_header_count(NULL) == 0);
  CHECK(hj_response_header_name(NULL, 0) == NULL);
  CHECK(hj_response_header_value(NULL, 0) == NULL);
  CHECK(hj_response_body(NULL) == NULL);
  CHECK(hj_response_body_len(NULL) == 0);
  CHECK(hj_response_error(NULL) == NULL);
}

int main(void) {
  hj_open_options options = hj_open_options_init();
  FINE(hj_clock_new(1767225600000, &the_clock, error));
  options.clock = the_clock;
  FINE(hj_engine_open(HJ_STR(":memory:"), &options, &engine, error));
  FINE(hj_engine_tenant(engine, HJ_STR("tnt_a"), HJ_STR("sk_test_a_7Hq2Zk9Wm4Xc1Vb8Nt5R"), &tenant, error));
  FINE(hj_tenant_create(tenant, HJ_STR("u"), NULL, &grant, error));
  token = hj_str_of(hj_grant_access_token(grant));
  refresh_token = hj_str_of(hj_grant_refresh_token(grant));
  id = hj_str_of(hj_session_id(hj_grant_session(grant)));

  check_library();
  free_null();
  open_engines();
  check_databases();
  lower_leases();
  copy_databases();
  sign_in();
  verify();
  query();
  change_settings_and_keys();
  read_events();
  maintain_and_revoke();
  answer_over_rest();
  read_session();
  read_other_objects();

  hj_grant_free(grant);
  FINE(hj_engine_close(engine, error));
  hj_engine_free(engine);
  hj_tenant_free(tenant);
  hj_clock_free(the_clock);
  return report();
}
