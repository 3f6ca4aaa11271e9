/* The lines of nulls.c for calls that are begun: changes, requests and completions here, reads in the file beside it. */

#include "nulls_reads.h"

static void never_called(void *user_data) {
  (void)user_data;
  CHECK(false);
}

#include "nulls_long.h"

static void changes(void) {
  hj_update_options update = hj_update_options_init();
  hj_pending_write *write = (hj_pending_write *)&write;
  hj_grant *new_grant = (hj_grant *)&new_grant;
  uint64_t ended = 7;
  BAD(hj_tenant_begin_create(NULL, HJ_STR("u"), NULL, &write, error));
  CHECK(write == NULL);
  BAD(hj_tenant_begin_create(tenant, absent, NULL, &write, error));
  BAD(hj_tenant_begin_create(tenant, HJ_STR("u"), NULL, NULL, error));
  BAD(hj_tenant_begin_refresh(NULL, refresh_token, NULL, &write, error));
  BAD(hj_tenant_begin_refresh(tenant, refresh_token, NULL, NULL, error));
  BAD(hj_tenant_begin_adopt(NULL, HJ_STR("c"), NULL, &write, error));
  BAD(hj_tenant_begin_adopt(tenant, HJ_STR("c"), NULL, NULL, error));
  BAD(hj_tenant_begin_update(NULL, id, &update, &write, error));
  BAD(hj_tenant_begin_update(tenant, absent, &update, &write, error));
  BAD(hj_tenant_begin_update(tenant, id, &update, NULL, error));
  BAD(hj_tenant_begin_revoke(NULL, id, &write, error));
  BAD(hj_tenant_begin_revoke(tenant, absent, &write, error));
  BAD(hj_tenant_begin_revoke(tenant, id, NULL, error));
  BAD(hj_tenant_begin_sign_out(NULL, token, absent, &write, error));
  BAD(hj_tenant_begin_sign_out(tenant, token, HJ_STR("everywhere"), &write, error));
  BAD(hj_tenant_begin_sign_out(tenant, token, absent, NULL, error));

  FINE(hj_tenant_begin_refresh(tenant, absent, NULL, &write, error));
  CHECK_STATUS(HJ_ERR_MISSING_TOKEN, hj_pending_write_wait(write, &new_grant, &ended, error));
  CHECK(new_grant == NULL && ended == 0);
  hj_pending_write_free(write);
  FINE(hj_tenant_begin_adopt(tenant, HJ_STR("unknown"), NULL, &write, error));
  CHECK_STATUS(HJ_ERR_REFRESH_TOKEN_INVALID, hj_pending_write_wait(write, NULL, NULL, error));
  BAD(hj_pending_write_wait(write, &new_grant, &ended, error)); /* the second time */
  BAD(hj_pending_write_notify(write, never_called, NULL, error));
  hj_pending_write_free(write);
  FINE(hj_tenant_begin_update(tenant, id, NULL, &write, error));
  FINE(hj_pending_write_wait(write, NULL, NULL, error));
  hj_pending_write_free(write);
  FINE(hj_tenant_begin_create(tenant, HJ_STR("never"), NULL, &write, error));
  hj_pending_write_free(write); /* never waited for */
  BAD(hj_pending_write_wait(NULL, &new_grant, &ended, error));
  BAD(hj_pending_write_notify(NULL, never_called, NULL, error));
  hj_pending_write_free(NULL);
}

static void completions(void) {
  hj_required_auth required = hj_required_auth_init();
  hj_rest_request request = hj_rest_request_init();
  hj_pending_read *read = NULL;
  hj_pending_response *pending = (hj_pending_response *)&pending;
  hj_response *response = NULL;
  hj_rest *rest = NULL;
  hj_tenant *non_blocking = (hj_tenant *)&non_blocking;
  hj_session *session = NULL;
  BAD(hj_tenant_non_blocking(NULL, &non_blocking, error));
  CHECK(non_blocking == NULL);
  BAD(hj_tenant_non_blocking(tenant, NULL, error));
  FINE(hj_tenant_non_blocking(tenant, &non_blocking, error));
  CHECK_STATUS(HJ_ERR_STORAGE_BUSY, hj_tenant_get(non_blocking, id, &session, error)); /* memory has one connection */
  CHECK(session == NULL);
  hj_tenant_free(non_blocking);

  BAD(hj_tenant_begin_require_auth(NULL, token, &required, &read, error));
  BAD(hj_tenant_begin_require_auth(tenant, token, &required, NULL, error));
  FINE(hj_tenant_begin_require_auth(tenant, token, NULL, &read, error));
  BAD(hj_pending_read_notify(read, NULL, NULL, error));
  FINE(hj_pending_read_wait(read, NULL, NULL, NULL, error));
  BAD(hj_pending_read_notify(read, never_called, NULL, error));
  BAD(hj_pending_read_notify(NULL, never_called, NULL, error));
  hj_pending_read_free(read);

  FINE(hj_tenant_rest(tenant, NULL, &rest, error));
  BAD(hj_rest_begin_handle(rest, NULL, &pending, error));
  CHECK(pending == NULL);
  BAD(hj_rest_begin_handle(rest, &request, &pending, error)); /* no method */
  request.method = HJ_STR("GET");
  request.target = HJ_STR("/v1/sessions");
  BAD(hj_rest_begin_handle(NULL, &request, &pending, error));
  BAD(hj_rest_begin_handle(rest, &request, NULL, error));
  FINE(hj_rest_begin_handle(rest, &request, &pending, error));
  hj_rest_free(rest); /* the request outlives it */
  BAD(hj_pending_response_notify(pending, NULL, NULL, error));
  BAD(hj_pending_response_wait(pending, NULL, error));
  FINE(hj_pending_response_wait(pending, &response, error));
  CHECK(hj_response_status(response) == 401);
  hj_response_free(response);
  BAD(hj_pending_response_wait(pending, &response, error));
  BAD(hj_pending_response_notify(NULL, never_called, NULL, error));
  BAD(hj_pending_response_wait(NULL, &response, error));
  hj_pending_response_free(pending);
  hj_pending_response_free(NULL);
  CHECK(hj_error_field(NULL) == NULL);
}

static void begun_calls(void) {
  reads();
  changes();
  completions();
  openings();
  sign_ins();
  many_sessions();
}
