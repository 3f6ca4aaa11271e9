/* The lines of nulls.c for reads that are begun and waited for. */

static void reads(void) {
  hj_list_options options = hj_list_options_init();
  hj_pending_read *read = (hj_pending_read *)&read;
  hj_session *session = (hj_session *)&session;
  hj_claims *claims = (hj_claims *)&claims;
  hj_page *page = (hj_page *)&page;
  BAD(hj_tenant_begin_get(NULL, id, &read, error));
  CHECK(read == NULL);
  BAD(hj_tenant_begin_get(tenant, absent, &read, error));
  BAD(hj_tenant_begin_get(tenant, id, NULL, error));
  BAD(hj_tenant_begin_list(NULL, &options, &read, error));
  BAD(hj_tenant_begin_list(tenant, &options, NULL, error));
  BAD(hj_tenant_begin_verify_session(NULL, id, &read, error));
  BAD(hj_tenant_begin_verify_session(tenant, absent, &read, error));
  BAD(hj_tenant_begin_verify_session(tenant, id, NULL, error));
  BAD(hj_tenant_begin_verify_access_token(NULL, token, &read, error));
  BAD(hj_tenant_begin_verify_access_token(tenant, token, NULL, error));
  FINE(hj_tenant_begin_verify_access_token(tenant, absent, &read, error));
  CHECK_STATUS(HJ_ERR_MISSING_TOKEN, hj_pending_read_wait(read, &session, &claims, &page, error));
  hj_pending_read_free(read);

  BAD(hj_pending_read_wait(NULL, &session, &claims, &page, error));
  CHECK(session == NULL && claims == NULL && page == NULL);
  FINE(hj_tenant_begin_get(tenant, id, &read, error));
  FINE(hj_pending_read_wait(read, &session, &claims, &page, error));
  CHECK(strcmp(hj_session_id(session), id.ptr) == 0 && claims == NULL && page == NULL);
  hj_session_free(session);
  BAD(hj_pending_read_wait(read, &session, &claims, &page, error)); /* the second time */
  CHECK(session == NULL);
  hj_pending_read_free(read);
  FINE(hj_tenant_begin_list(tenant, NULL, &read, error));
  FINE(hj_pending_read_wait(read, &session, &claims, &page, error));
  CHECK(session == NULL && claims == NULL && hj_page_count(page) == 3);
  hj_page_free(page);
  hj_pending_read_free(read);
  FINE(hj_tenant_begin_verify_access_token(tenant, token, &read, error));
  FINE(hj_pending_read_wait(read, &session, &claims, &page, error));
  CHECK(session != NULL && claims != NULL && page == NULL);
  hj_session_free(session);
  hj_claims_free(claims);
  hj_pending_read_free(read);
  FINE(hj_tenant_begin_verify_session(tenant, id, &read, error));
  FINE(hj_pending_read_wait(read, NULL, NULL, NULL, error));
  hj_pending_read_free(read);
  FINE(hj_tenant_begin_verify_session(tenant, id, &read, error));
  hj_pending_read_free(read); /* never waited for */
  hj_pending_read_free(NULL);
}
