/* Sign in, check, refresh, list, sign out: the life of a session in C.
 *
 *   cc -std=c99 -Iinclude examples/c/quickstart.c -o quickstart -Lbuild/c -lhellojohn -Wl,-rpath,"$PWD/build/c"
 */
#include <hellojohn.h>

#include <stdio.h>
#include <stdlib.h>

/* Ends the program if the call before it failed. */
static void must(hj_status status, hj_error **error) {
  if (status == HJ_OK) {
    return;
  }
  fprintf(stderr, "%s: %s\n", hj_status_name(status), hj_error_detail(*error));
  hj_error_free(*error);
  exit(1);
}

int main(int argc, char **argv) {
  const char *database = argc > 1 ? argv[1] : ":memory:";
  hj_error *error = NULL;
  hj_engine *engine = NULL;
  hj_tenant *tenant = NULL;
  must(hj_engine_open(hj_str_of(database), NULL, &engine, &error), &error);
  must(hj_engine_tenant(engine, HJ_STR("tnt_acme"), HJ_STR("sk_live_Vq3nT8kLx0cJ5wRzE7uYbA"), &tenant, &error), &error);

  /* The password was right: sign the device in. */
  hj_create_options device = hj_create_options_init();
  device.user_agent = HJ_STR("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148 Safari/604.1");
  device.ip_address = HJ_STR("203.0.113.42");
  hj_grant *grant = NULL;
  must(hj_tenant_create(tenant, HJ_STR("usr_1"), &device, &grant, &error), &error);

  /* Every request: is this user still signed in? */
  hj_claims *claims = NULL;
  hj_str access_token = hj_str_of(hj_grant_access_token(grant));
  must(hj_tenant_verify_access_token(tenant, access_token, NULL, &claims, &error), &error);
  printf("welcome back, %s\n", hj_claims_user_id(claims));
  hj_claims_free(claims);

  /* Before the access token expires: a new one, and the next refresh token. */
  hj_grant *fresh = NULL;
  must(hj_tenant_refresh(tenant, hj_str_of(hj_grant_refresh_token(grant)), NULL, &fresh, &error), &error);

  /* "Manage my devices". */
  hj_list_options mine = hj_list_options_init();
  hj_page *page = NULL;
  mine.user_id = HJ_STR("usr_1");
  must(hj_tenant_list(tenant, &mine, &page, &error), &error);
  for (size_t i = 0; i < hj_page_count(page); i++) {
    const hj_session *session = hj_page_session(page, i);
    printf("%s %s\n", hj_session_device_type(session), hj_session_ip_address(session));
  }
  hj_page_free(page);

  /* "Sign out this device": the very next call refuses its tokens, in every thread and process. */
  must(hj_tenant_revoke(tenant, hj_str_of(hj_session_id(hj_grant_session(fresh))), &error), &error);
  access_token = hj_str_of(hj_grant_access_token(fresh));
  hj_status status = hj_tenant_verify_access_token(tenant, access_token, NULL, NULL, NULL);
  printf("%s\n", hj_status_name(status)); /* session_revoked */

  hj_grant_free(fresh);
  hj_grant_free(grant);
  hj_tenant_free(tenant);
  must(hj_engine_close(engine, &error), &error);
  hj_engine_free(engine);
  return status == HJ_ERR_SESSION_REVOKED ? 0 : 1;
}
