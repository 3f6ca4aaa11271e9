/* The lines of nulls.c for gates that ask for recent or further factors. */

static void require_auth(void) {
  hj_required_auth required = hj_required_auth_init();
  hj_session *session = (hj_session *)&session;
  hj_claims *claims = (hj_claims *)&claims;
  BAD(hj_tenant_require_auth(NULL, token, &required, &session, &claims, error));
  CHECK(session == NULL && claims == NULL);
  CHECK_STATUS(HJ_ERR_MISSING_TOKEN, hj_tenant_require_auth(tenant, absent, &required, &session, &claims, error));
  FINE(hj_tenant_require_auth(tenant, token, &required, &session, &claims, error));
  CHECK(hj_session_auth_time_ms(session) == hj_session_created_at_ms(session));
  CHECK(hj_claims_auth_time_ms(claims) == hj_session_auth_time_ms(session) / 1000 * 1000);
  hj_session_free(session);
  hj_claims_free(claims);
  BAD(hj_tenant_require_auth_locally(NULL, token, &required, &claims, error));
  CHECK_STATUS(HJ_ERR_MISSING_TOKEN, hj_tenant_require_auth_locally(tenant, absent, &required, &claims, error));
  FINE(hj_tenant_require_auth_locally(tenant, token, NULL, NULL, error));
  CHECK(hj_error_max_age_s(NULL) == 0 && hj_error_factors(NULL) == NULL);
  CHECK(hj_session_auth_time_ms(NULL) == 0 && hj_session_factor_count(NULL) == 0);
  CHECK(hj_session_factor_method(NULL, 0) == NULL && hj_session_factor_at_ms(NULL, 0) == 0);
  CHECK(hj_claims_auth_time_ms(NULL) == 0 && hj_claims_factor_count(NULL) == 0);
  CHECK(hj_claims_factor_method(NULL, 0) == NULL && hj_claims_factor_at_ms(NULL, 0) == 0);
  CHECK(hj_session_actor_user_id(NULL) == NULL && hj_session_actor_reason(NULL) == NULL);
  CHECK(hj_claims_actor_user_id(NULL) == NULL);
  CHECK(hj_explanation_actor_user_id(NULL) == NULL && hj_explanation_actor_reason(NULL) == NULL);
}
