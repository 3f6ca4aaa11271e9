/* The lines of nulls.c for what may take long and is begun: opening, sign-ins that may fail, counts and the end of many sessions. */

static void openings(void) {
  const hj_str key = HJ_STR("sk_test_x_1Lp5Qz8Bc2Xw6Nt9Kv3M");
  hj_open_options options = hj_open_options_init();
  hj_pending_open *opening = (hj_pending_open *)&opening;
  hj_engine *opened = (hj_engine *)&opened;
  hj_tenant *new_tenant = (hj_tenant *)&new_tenant;
  BAD(hj_engine_begin_open(absent, NULL, &opening, error));
  CHECK(opening == NULL);
  BAD(hj_engine_begin_open(HJ_STR(":memory:"), NULL, NULL, error));
  CHECK(hj_engine_begin_open(absent, NULL, NULL, NULL) == HJ_ERR_VALIDATION_ERROR);
  options.struct_size = 3;
  BAD(hj_engine_begin_open(HJ_STR(":memory:"), &options, &opening, error));
  BAD(hj_engine_begin_tenant(NULL, HJ_STR("tnt"), key, &opening, error));
  BAD(hj_engine_begin_tenant(engine, absent, key, &opening, error));
  BAD(hj_engine_begin_tenant(engine, HJ_STR("tnt"), absent, &opening, error));
  BAD(hj_engine_begin_tenant(engine, HJ_STR("tnt"), key, NULL, error));
  CHECK(opening == NULL);

  FINE(hj_engine_begin_open(HJ_STR(":memory:"), NULL, &opening, error));
  BAD(hj_pending_open_notify(opening, NULL, NULL, error));
  BAD(hj_pending_open_notify(NULL, never_called, NULL, error));
  BAD(hj_pending_open_wait(NULL, &opened, &new_tenant, error));
  CHECK(opened == NULL && new_tenant == NULL);
  new_tenant = (hj_tenant *)&new_tenant;
  FINE(hj_pending_open_wait(opening, &opened, &new_tenant, error));
  CHECK(opened != NULL && new_tenant == NULL);
  hj_engine_free(opened);
  BAD(hj_pending_open_wait(opening, &opened, NULL, error)); /* the second time */
  CHECK(opened == NULL);
  BAD(hj_pending_open_notify(opening, never_called, NULL, error));
  hj_pending_open_free(opening);
  FINE(hj_engine_begin_open(HJ_STR(":memory:"), NULL, &opening, error));
  CHECK(hj_pending_open_wait(opening, NULL, NULL, NULL) == HJ_OK); /* closed at once */
  hj_pending_open_free(opening);
  FINE(hj_engine_begin_tenant(engine, HJ_STR("tnt_x"), key, &opening, error));
  FINE(hj_pending_open_wait(opening, &opened, &new_tenant, error));
  CHECK(opened == NULL && strcmp(hj_tenant_id(new_tenant), "tnt_x") == 0);
  hj_tenant_free(new_tenant);
  hj_pending_open_free(opening);
  FINE(hj_engine_begin_tenant(engine, HJ_STR("tnt_x"), key, &opening, error));
  hj_pending_open_free(opening); /* never waited for */
  hj_pending_open_free(NULL);
}

static void sign_ins(void) {
  hj_pending_sign_in *sign_in = (hj_pending_sign_in *)&sign_in;
  hj_sign_in_attempt *attempt = (hj_sign_in_attempt *)&attempt;
  hj_pending_write *write = (hj_pending_write *)&write;
  BAD(hj_tenant_begin_sign_in_attempt(NULL, HJ_STR("eve"), absent, &sign_in, error));
  CHECK(sign_in == NULL);
  BAD(hj_tenant_begin_sign_in_attempt(tenant, absent, absent, &sign_in, error));
  BAD(hj_tenant_begin_sign_in_attempt(tenant, HJ_STR("eve"), HJ_STR("nowhere"), &sign_in, error));
  BAD(hj_tenant_begin_sign_in_attempt(tenant, HJ_STR("eve"), absent, NULL, error));
  FINE(hj_tenant_begin_sign_in_attempt(tenant, HJ_STR(" "), absent, &sign_in, error));
  BAD(hj_pending_sign_in_wait(sign_in, &attempt, error)); /* an empty account */
  CHECK(attempt == NULL);
  hj_pending_sign_in_free(sign_in);

  FINE(hj_tenant_begin_sign_in_attempt(tenant, HJ_STR("eve"), absent, &sign_in, error));
  BAD(hj_pending_sign_in_notify(sign_in, NULL, NULL, error));
  BAD(hj_pending_sign_in_notify(NULL, never_called, NULL, error));
  BAD(hj_pending_sign_in_wait(NULL, &attempt, error));
  BAD(hj_pending_sign_in_wait(sign_in, NULL, error)); /* before it does anything */
  FINE(hj_pending_sign_in_wait(sign_in, &attempt, error));
  BAD(hj_pending_sign_in_notify(sign_in, never_called, NULL, error));
  hj_pending_sign_in_free(sign_in); /* the attempt outlives it */
  BAD(hj_sign_in_attempt_begin_succeed(NULL, HJ_STR("u"), NULL, &write, error));
  CHECK(write == NULL);
  BAD(hj_sign_in_attempt_begin_succeed(attempt, absent, NULL, &write, error));
  BAD(hj_sign_in_attempt_begin_succeed(attempt, HJ_STR("u"), NULL, NULL, error));
  BAD(hj_sign_in_attempt_begin_cancel(NULL, &write, error));
  BAD(hj_sign_in_attempt_begin_cancel(attempt, NULL, error)); /* none of them was an outcome */
  FINE(hj_sign_in_attempt_begin_cancel(attempt, &write, error));
  FINE(hj_pending_write_wait(write, NULL, NULL, error));
  hj_pending_write_free(write);
  BAD(hj_sign_in_attempt_begin_succeed(attempt, HJ_STR("u"), NULL, &write, error));
  BAD(hj_sign_in_attempt_cancel(attempt, error));
  hj_sign_in_attempt_free(attempt);
  FINE(hj_tenant_begin_sign_in_attempt(tenant, HJ_STR("eve"), absent, &sign_in, error));
  hj_pending_sign_in_free(sign_in); /* never waited for */
  hj_pending_sign_in_free(NULL);
}

static void many_sessions(void) {
  hj_session_filter filter = hj_session_filter_init();
  hj_revoke_where_options options = hj_revoke_where_options_init();
  hj_pending_write *write = (hj_pending_write *)&write;
  hj_pending_count *counting = (hj_pending_count *)&counting;
  hj_revoke_preview *preview = (hj_revoke_preview *)&preview;
  uint64_t number = 7;
  filter.role = HJ_STR("no session has it");
  BAD(hj_tenant_begin_revoke_where(NULL, &filter, NULL, &write, error));
  CHECK(write == NULL);
  BAD(hj_tenant_begin_revoke_where(tenant, &filter, NULL, NULL, error));
  options.plan = HJ_STR("no plan");
  BAD(hj_tenant_begin_revoke_where(tenant, &filter, &options, &write, error));
  FINE(hj_tenant_begin_revoke_where(tenant, NULL, NULL, &write, error));
  BAD(hj_pending_write_wait(write, NULL, &number, error)); /* it says nothing */
  CHECK(number == 0);
  hj_pending_write_free(write);
  FINE(hj_tenant_begin_revoke_where(tenant, &filter, NULL, &write, error));
  FINE(hj_pending_write_wait(write, NULL, NULL, error));
  hj_pending_write_free(write);
  BAD(hj_tenant_begin_revoke_user(NULL, HJ_STR("u"), absent, &write, error));
  BAD(hj_tenant_begin_revoke_user(tenant, absent, absent, &write, error));
  CHECK_STATUS(HJ_ERR_SESSION_NOT_FOUND, hj_tenant_begin_revoke_user(tenant, HJ_STR("u"), HJ_STR("none"), &write, error));
  BAD(hj_tenant_begin_revoke_user(tenant, HJ_STR("u"), absent, NULL, error));
  BAD(hj_tenant_begin_revoke_tenant(NULL, &write, error));
  BAD(hj_tenant_begin_revoke_tenant(tenant, NULL, error));
  FINE(hj_tenant_begin_revoke_tenant(tenant, &write, error));
  hj_pending_write_free(write); /* never waited for: it ends nothing */

  BAD(hj_tenant_begin_count(NULL, NULL, &counting, error));
  CHECK(counting == NULL);
  BAD(hj_tenant_begin_count(tenant, NULL, NULL, error));
  BAD(hj_tenant_begin_preview_revoke_where(NULL, &filter, &counting, error));
  BAD(hj_tenant_begin_preview_revoke_where(tenant, &filter, NULL, error));
  FINE(hj_tenant_begin_count(tenant, NULL, &counting, error));
  BAD(hj_pending_count_notify(counting, NULL, NULL, error));
  BAD(hj_pending_count_notify(NULL, never_called, NULL, error));
  BAD(hj_pending_count_wait(NULL, &number, &preview, error));
  CHECK(number == 0 && preview == NULL);
  preview = (hj_revoke_preview *)&preview;
  FINE(hj_pending_count_wait(counting, &number, &preview, error));
  CHECK(number > 0 && preview == NULL);
  BAD(hj_pending_count_wait(counting, &number, NULL, error)); /* the second time */
  CHECK(number == 0);
  hj_pending_count_free(counting);
  FINE(hj_tenant_begin_preview_revoke_where(tenant, &filter, &counting, error));
  FINE(hj_pending_count_wait(counting, NULL, NULL, error));
  hj_pending_count_free(counting);
  FINE(hj_tenant_begin_preview_revoke_where(tenant, NULL, &counting, error));
  BAD(hj_pending_count_wait(counting, &number, &preview, error));
  hj_pending_count_free(counting);
  hj_pending_count_free(NULL);
}
