/* The lines of nulls.c for importing and adopting. */

static void import_and_adopt(void) {
  hj_refresh_options refresh = hj_refresh_options_init();
  hj_import_options import = hj_import_options_init();
  hj_import_report *imported = (hj_import_report *)&imported;
  hj_grant *adopted = NULL;
  hj_str credential = HJ_STR("old-session-0001");
  BAD(hj_tenant_adopt(NULL, credential, &refresh, &adopted, error));
  CHECK_STATUS(HJ_ERR_MISSING_TOKEN, hj_tenant_adopt(tenant, absent, &refresh, &adopted, error));
  CHECK_STATUS(HJ_ERR_REFRESH_TOKEN_INVALID, hj_tenant_adopt(tenant, credential, NULL, &adopted, error));
  CHECK(adopted == NULL);
  BAD(hj_tenant_adopt(tenant, credential, &refresh, NULL, error));
  BAD(hj_tenant_import(NULL, HJ_STR("/nowhere/rows"), NULL, &imported, error));
  CHECK(imported == NULL);
  BAD(hj_tenant_import(tenant, absent, NULL, &imported, error));
  BAD(hj_tenant_import(tenant, HJ_STR("/nowhere/rows"), NULL, NULL, error));
  CHECK_STATUS(HJ_ERR_STORAGE_IO, hj_tenant_import(tenant, HJ_STR("/nowhere/rows"), &import, &imported, error));
  FINE(hj_tenant_import(tenant, HJ_STR("/dev/null"), NULL, &imported, error));
  CHECK(hj_import_report_rows(imported) == 0 && hj_import_report_count(imported) == 0);
  CHECK(hj_import_report_line(imported, 0) == 0 && hj_import_report_detail(imported, 0) == NULL);
  hj_import_report_free(imported);
  CHECK(hj_import_report_imported(NULL) == 0 && hj_import_report_already_imported(NULL) == 0);
  CHECK(hj_import_report_expired(NULL) == 0 && hj_import_report_over_limits(NULL) == 0);
  CHECK(hj_import_report_bad_rows(NULL) == 0);
  CHECK(hj_import_report_rows(NULL) == 0 && hj_import_report_detail(NULL, 0) == NULL);
  hj_import_report_free(NULL);
}
