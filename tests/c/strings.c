/* Bad input in every position that takes text, number or struct; a closed engine; what results look like. */

#include "check.h"

#include <string.h>

static hj_engine *engine;
static hj_tenant *tenant;

/* Makes one call with this text in one position of the interface and good values everywhere else. */
enum { POSITIONS = 39, USER_AGENT_OF_CREATE = 6, USER_AGENT_OF_REFRESH = 17 };

static hj_status call_with(int position, hj_str text, hj_error **error) {
  hj_open_options open = hj_open_options_init();
  hj_create_options create = hj_create_options_init();
  hj_refresh_options refresh = hj_refresh_options_init();
  hj_update_options update = hj_update_options_init();
  hj_verify_options verify = hj_verify_options_init();
  hj_list_options list = hj_list_options_init();
  hj_rest_options rest_options = hj_rest_options_init();
  hj_rest_request request = hj_rest_request_init();
  hj_engine *new_engine = NULL;
  hj_tenant *new_tenant = NULL;
  hj_grant *grant = NULL;
  hj_session *session = NULL;
  hj_claims *claims = NULL;
  hj_page *page = NULL;
  hj_config *config = NULL;
  hj_rest *rest = NULL;
  hj_response *answer = NULL;
  hj_str user = HJ_STR("u"), absent = {NULL, 0}, known_id;
  hj_status status;
  if (hj_tenant_create(tenant, user, NULL, &grant, NULL) != HJ_OK) {
    return HJ_ERR_INTERNAL;
  }
  known_id = hj_str_of(hj_session_id(hj_grant_session(grant)));
  hj_grant *fresh = NULL;
  request.method = HJ_STR("GET");
  request.target = HJ_STR("/.well-known/jwks.json");
  switch (position) {
  case 0: status = hj_engine_open(text, NULL, &new_engine, error); break;
  case 1: open.issuer = text; status = hj_engine_open(HJ_STR(":memory:"), &open, &new_engine, error); break;
  case 2: status = hj_engine_tenant(engine, text, HJ_STR("sk_test_x_1Lp5Qz8Bc2Xw6Nt9Kv3M"), &new_tenant, error); break;
  case 3: status = hj_engine_tenant(engine, HJ_STR("tnt_a"), text, &new_tenant, error); break;
  case 4: status = hj_tenant_create(tenant, text, NULL, &fresh, error); break;
  case 5: create.ip_address = text; status = hj_tenant_create(tenant, user, &create, &fresh, error); break;
  case USER_AGENT_OF_CREATE:
    create.user_agent = text; status = hj_tenant_create(tenant, user, &create, &fresh, error); break;
  case 7: create.country = text; status = hj_tenant_create(tenant, user, &create, &fresh, error); break;
  case 8: create.device_type = text; status = hj_tenant_create(tenant, user, &create, &fresh, error); break;
  case 9: create.device_fingerprint = text; status = hj_tenant_create(tenant, user, &create, &fresh, error); break;
  case 10: create.duration = text; status = hj_tenant_create(tenant, user, &create, &fresh, error); break;
  case 11: create.org_id = text; status = hj_tenant_create(tenant, user, &create, &fresh, error); break;
  case 12: create.role = text; status = hj_tenant_create(tenant, user, &create, &fresh, error); break;
  case 13: create.email = text; status = hj_tenant_create(tenant, user, &create, &fresh, error); break;
  case 14: create.claims_json = text; status = hj_tenant_create(tenant, user, &create, &fresh, error); break;
  case 15: status = hj_tenant_refresh(tenant, text, NULL, &fresh, error); break;
  case 16:
    refresh.ip_address = text;
    status = hj_tenant_refresh(tenant, hj_str_of(hj_grant_refresh_token(grant)), &refresh, &fresh, error);
    break;
  case USER_AGENT_OF_REFRESH:
    refresh.user_agent = text;
    status = hj_tenant_refresh(tenant, hj_str_of(hj_grant_refresh_token(grant)), &refresh, &fresh, error);
    break;
  case 18: status = hj_tenant_update(tenant, text, NULL, &fresh, error); break;
  case 19: update.org_id = text; status = hj_tenant_update(tenant, known_id, &update, &fresh, error); break;
  case 20: update.role = text; status = hj_tenant_update(tenant, known_id, &update, &fresh, error); break;
  case 21: update.claims_json = text; status = hj_tenant_update(tenant, known_id, &update, &fresh, error); break;
  case 22: status = hj_tenant_verify_access_token(tenant, text, &session, &claims, error); break;
  case 23: status = hj_tenant_verify_session(tenant, text, &session, error); break;
  case 24: status = hj_tenant_verify_locally(tenant, text, NULL, &claims, error); break;
  case 25:
    verify.audience = text;
    status = hj_tenant_verify_locally(tenant, hj_str_of(hj_grant_access_token(grant)), &verify, &claims, error);
    break;
  case 26: status = hj_tenant_get(tenant, text, &session, error); break;
  case 27: list.user_id = text; status = hj_tenant_list(tenant, &list, &page, error); break;
  case 28: list.status = text; status = hj_tenant_list(tenant, &list, &page, error); break;
  case 29: list.cursor = text; status = hj_tenant_list(tenant, &list, &page, error); break;
  case 30: status = hj_tenant_revoke(tenant, text, error); break;
  case 31: status = hj_tenant_revoke_user(tenant, text, absent, NULL, error); break;
  case 32: status = hj_tenant_revoke_user(tenant, user, text, NULL, error); break;
  case 33: status = hj_tenant_sign_out(tenant, text, absent, NULL, error); break;
  case 34: status = hj_tenant_update_config(tenant, text, &config, error); break;
  case 35: status = hj_tenant_change_secret_key(tenant, text, error); break;
  case 36: status = hj_tenant_retire_key(tenant, text, error); break;
  case 37: rest_options.settings_json = text; status = hj_tenant_rest(tenant, &rest_options, &rest, error); break;
  case 38:
    request.client_address = text;
    if ((status = hj_tenant_rest(tenant, NULL, &rest, NULL)) == HJ_OK) {
      status = hj_rest_handle(rest, &request, &answer, error);
    }
    break;
  default: status = hj_tenant_purge_older_than(tenant, text, NULL, error); break;
  }
  CHECK(status == HJ_OK ||
        (!new_engine && !new_tenant && !fresh && !session && !claims && !page && !config && !answer));
  hj_engine_free(new_engine);
  hj_tenant_free(new_tenant);
  hj_grant_free(grant);
  hj_grant_free(fresh);
  hj_session_free(session);
  hj_claims_free(claims);
  hj_page_free(page);
  hj_config_free(config);
  hj_rest_free(rest);
  hj_response_free(answer);
  return status;
}

static void refuse_bad_texts(void) {
  static const char *const not_utf8[] = {"\xff", "ok\xc3", "\xed\xa0\x80", "\xc0\xaf", "\xf4\x90\x80\x80"};
  size_t big = (size_t)1 << 20;
  char *text = malloc(big);
  if (text == NULL) {
    abort();
  }
  memset(text, 'x', big);
  for (int position = 0; position <= POSITIONS; position++) {
    for (size_t i = 0; i < sizeof not_utf8 / sizeof *not_utf8; i++) {
      CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, call_with(position, hj_str_of(not_utf8[i]), error));
    }
    CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, call_with(position, hj_str_view(NULL, 3), error));
    CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, call_with(position, hj_str_view(text, SIZE_MAX), error));
    CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, call_with(position, hj_str_view(text, SIZE_MAX / 2 + 1), error));
    CHECK(call_with(position, hj_str_view("a\0b", 3), NULL) != HJ_OK);
    CHECK(call_with(position, hj_str_view("", 0), NULL) != HJ_OK);
    if (position == USER_AGENT_OF_CREATE || position == USER_AGENT_OF_REFRESH) {
      CHECK_STATUS(HJ_OK, call_with(position, hj_str_view(text, big), error)); /* cut at 1024 bytes */
    } else {
      CHECK(call_with(position, hj_str_view(text, big), NULL) != HJ_OK);
    }
  }
  free(text);
}

/* What a client sends never fails the call: bytes that are not HTTP get a 400. */
static void answer_bad_requests(void) {
  static const char *const texts[] = {"\xff", "ok\xc3", "a b", "a\nb", "\x7f", ""};
  hj_str views[sizeof texts / sizeof *texts + 1];
  size_t count = 0;
  hj_rest *rest = NULL;
  for (; count < sizeof texts / sizeof *texts; count++) {
    views[count] = hj_str_of(texts[count]);
  }
  views[count++] = hj_str_view("a\0b", 3);
  CHECK_STATUS(HJ_OK, hj_tenant_rest(tenant, NULL, &rest, error));
  for (int position = 0; position < 4; position++) {
    hj_header header = {HJ_STR("X-Header"), HJ_STR("x")};
    hj_rest_request request = hj_rest_request_init();
    hj_str *fields[] = {&request.method, &request.target, &header.name, &header.value};
    request.method = HJ_STR("GET");
    request.target = HJ_STR("/.well-known/jwks.json");
    request.headers = &header;
    request.header_count = 1;
    hj_str good = *fields[position];
    for (size_t i = 0; i < count; i++) {
      hj_response *answer = NULL;
      *fields[position] = views[i];
      CHECK_STATUS(HJ_OK, hj_rest_handle(rest, &request, &answer, error));
      int status = hj_response_status(answer);
      /* A target may be no path of the API; a value may hold spaces and bytes beyond ASCII, or be empty. */
      CHECK(status == 400 || (position == 1 && status == 404) || (position == 3 && status == 200));
      hj_response_free(answer);
    }
    hj_response *answer = NULL;
    *fields[position] = hj_str_view(NULL, 3);
    CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_rest_handle(rest, &request, &answer, error));
    *fields[position] = hj_str_view("x", SIZE_MAX);
    CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_rest_handle(rest, &request, &answer, error));
    *fields[position] = good;
    request.header_count = SIZE_MAX;
    CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_rest_handle(rest, &request, &answer, error));
    request.header_count = 1;
    request.body = hj_str_view("x", SIZE_MAX);
    CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_rest_handle(rest, &request, &answer, error));
    CHECK(answer == NULL);
  }
  hj_rest_free(rest);
}

/* Passes a struct with every struct_size that the library must refuse; `first` is its size in the first release that had
 * it. */
#define BAD_SIZES(type, first, call)                                       \
  do {                                                                     \
    type options = type##_init();                                          \
    size_t sizes[] = {0, 1, (first) - 1, sizeof options + 1, SIZE_MAX};     \
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {            \
      options.struct_size = sizes[i];                                      \
      CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, call);                         \
    }                                                                      \
  } while (0)

static void refuse_bad_structs(void) {
  hj_open_options open = hj_open_options_init();
  hj_create_options create = hj_create_options_init();
  hj_update_options update = hj_update_options_init();
  hj_verify_options verify = hj_verify_options_init();
  hj_list_options list = hj_list_options_init();
  hj_session_filter filter = hj_session_filter_init();
  uint64_t number = 0;
  hj_engine *new_engine = NULL;
  hj_grant *grant = NULL, *fresh = NULL;
  hj_page *page = NULL;
  hj_rest *rest = NULL;
  hj_response *answer = NULL;
  hj_str id, token, refresh_token, absent = {NULL, 0};
  CHECK_STATUS(HJ_OK, hj_tenant_create(tenant, HJ_STR("u"), &create, &grant, error));
  id = hj_str_of(hj_session_id(hj_grant_session(grant)));
  token = hj_str_of(hj_grant_access_token(grant));
  refresh_token = hj_str_of(hj_grant_refresh_token(grant));
  BAD_SIZES(hj_open_options, offsetof(hj_open_options, file_access),
            hj_engine_open(HJ_STR(":memory:"), &options, &new_engine, error));
  BAD_SIZES(hj_create_options, sizeof options, hj_tenant_create(tenant, HJ_STR("u"), &options, &fresh, error));
  BAD_SIZES(hj_refresh_options, sizeof options, hj_tenant_refresh(tenant, refresh_token, &options, &fresh, error));
  BAD_SIZES(hj_update_options, sizeof options, hj_tenant_update(tenant, id, &options, &fresh, error));
  BAD_SIZES(hj_verify_options, sizeof options, hj_tenant_verify_locally(tenant, token, &options, NULL, error));
  BAD_SIZES(hj_required_auth, offsetof(hj_required_auth, role),
            hj_tenant_require_auth(tenant, token, &options, NULL, NULL, error));
  BAD_SIZES(hj_list_options, offsetof(hj_list_options, filter), hj_tenant_list(tenant, &options, &page, error));
  BAD_SIZES(hj_session_filter, sizeof options, hj_tenant_count(tenant, &options, &number, error));
  filter.role = HJ_STR("none");
  BAD_SIZES(hj_revoke_where_options, sizeof options, hj_tenant_revoke_where(tenant, &filter, &options, &number, error));
  BAD_SIZES(hj_rest_options, sizeof options, hj_tenant_rest(tenant, &options, &rest, error));
  CHECK_STATUS(HJ_OK, hj_tenant_rest(tenant, NULL, &rest, error));
  BAD_SIZES(hj_rest_request, sizeof options, hj_rest_handle(rest, &options, &answer, error));
  hj_rest_request page_request = hj_rest_request_init();
  hj_required_auth unreadable = hj_required_auth_init();
  hj_authorize_options authorize = hj_authorize_options_init();
  page_request.method = HJ_STR("GET");
  page_request.target = HJ_STR("/");
  BAD_SIZES(hj_authorize_options, sizeof options, hj_rest_authorize(rest, &page_request, &options, NULL, &answer, error));
  unreadable.struct_size = 1;
  authorize.required = &unreadable;
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_rest_authorize(rest, &page_request, &authorize, NULL, &answer, error));
  CHECK(answer == NULL);
  hj_rest_free(rest);
  int32_t *switches[] = {&open.allow_network_file_system, &open.sign_in_unlimited};
  for (size_t n = 0; n < sizeof switches / sizeof *switches; n++) {
    for (int32_t known = 0; known <= 1; known++) {
      *switches[n] = known;
      CHECK_STATUS(HJ_OK, hj_engine_open(HJ_STR(":memory:"), &open, &new_engine, error));
      hj_engine_free(new_engine);
      new_engine = NULL;
    }
    *switches[n] = 2;
    CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_engine_open(HJ_STR(":memory:"), &open, &new_engine, error));
    *switches[n] = 0;
  }
  /* Options about files say nothing of a server: nothing listens at this one. */
  hj_str url = HJ_STR("postgres://user:hunter2@127.0.0.1:1/x");
  open.allow_network_file_system = 1;
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_engine_open(url, &open, &new_engine, error));
  open.allow_network_file_system = 0;
  open.file_access = HJ_FILE_ACCESS_GROUP;
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_engine_open(url, &open, &new_engine, error));
  open.file_access = HJ_FILE_ACCESS_OWNER;
  for (int32_t known = -1; known <= 1; known++) {
    open.token_cache_capacity = known;
    CHECK_STATUS(HJ_OK, hj_engine_open(HJ_STR(":memory:"), &open, &new_engine, error));
    hj_engine_free(new_engine);
    new_engine = NULL;
  }
  open.struct_size = offsetof(hj_open_options, file_access);
  open.file_access = 2; /* a program of the first release has something else there */
  CHECK_STATUS(HJ_OK, hj_engine_open(HJ_STR(":memory:"), &open, &new_engine, error));
  hj_engine_free(new_engine);
  new_engine = NULL;
  open.struct_size = sizeof open;
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_engine_open(HJ_STR(":memory:"), &open, &new_engine, error));
  open.file_access = HJ_FILE_ACCESS_GROUP;
  for (uint64_t bytes = 0; bytes <= 2; bytes++) {
    open.token_cache_bytes = bytes == 2 ? UINT64_MAX : bytes;
    CHECK_STATUS(HJ_OK, hj_engine_open(HJ_STR(":memory:"), &open, &new_engine, error));
    hj_engine_free(new_engine);
    new_engine = NULL;
  }
  /* How verifications are answered is about a server, but for the one way that a file knows. */
  const char *modes[] = {"lease:250ms", "stale:250ms", "lease", "lease:24ms", "lease:5001ms", "Store"};
  for (size_t n = 0; n < sizeof modes / sizeof *modes; n++) {
    open.verify = hj_str_of(modes[n]);
    CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_engine_open(HJ_STR(":memory:"), &open, &new_engine, error));
  }
  open.verify = HJ_STR("lease:250ms");
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR,
               hj_engine_open(HJ_STR("postgres://user@127.0.0.1:1/x?verify=store"), &open, &new_engine, error));
  open.verify = HJ_STR("store");
  CHECK_STATUS(HJ_OK, hj_engine_open(HJ_STR(":memory:"), &open, &new_engine, error));
  hj_engine_free(new_engine);
  new_engine = NULL;
  open.verify = absent;
  /* A host that was built with the first release knows no token_cache_bytes. */
  open.struct_size = offsetof(hj_open_options, token_cache_bytes);
  CHECK_STATUS(HJ_OK, hj_engine_open(HJ_STR(":memory:"), &open, &new_engine, error));
  hj_engine_free(new_engine);
  new_engine = NULL;
  open.struct_size = sizeof open;
  open.durability = 2;
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_engine_open(HJ_STR(":memory:"), &open, &new_engine, error));
  create.mfa_verified = 3;
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_tenant_create(tenant, HJ_STR("u"), &create, &fresh, error));
  hj_required_auth required = hj_required_auth_init();
  hj_error *why = NULL;
  required.factors = HJ_STR("otp,pwd");
  required.max_age = HJ_STR("5m");
  CHECK(hj_tenant_require_auth(tenant, token, &required, NULL, NULL, &why) == HJ_ERR_REAUTHENTICATION_REQUIRED);
  CHECK(hj_error_max_age_s(why) == 300 && strcmp(hj_error_factors(why), "otp,pwd") == 0);
  hj_error_free(why);
  update.clear = 8;
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_tenant_update(tenant, id, &update, &fresh, error));
  update.clear = HJ_CLEAR_ROLE;
  update.role = HJ_STR("admin");
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_tenant_update(tenant, id, &update, &fresh, error));
  verify.leeway_s = 61;
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_tenant_verify_locally(tenant, token, &verify, NULL, error));
  verify.leeway_s = UINT64_MAX;
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_tenant_verify_locally(tenant, token, &verify, NULL, error));
  list.limit = -1;
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_tenant_list(tenant, &list, &page, error));
  list.limit = INT64_MAX;
  CHECK_STATUS(HJ_OK, hj_tenant_list(tenant, &list, &page, error));
  CHECK(hj_page_count(page) == 100);
  hj_page_free(page);
  list.limit = 0;
  CHECK_STATUS(HJ_OK, hj_tenant_list(tenant, &list, &page, error));
  CHECK(hj_page_count(page) == 20);
  hj_page_free(page);
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR,
               hj_tenant_sign_out(tenant, token, HJ_STR("everywhere"), NULL, error));
  CHECK_STATUS(HJ_OK, hj_tenant_purge_before(tenant, INT64_MIN, NULL, error));
  hj_grant_free(grant);
}

/* An ended session comes with the error; nothing else does. */
static void hand_out_ended_sessions(void) {
  hj_grant *grant = NULL;
  hj_session *session = NULL;
  hj_claims *claims = NULL;
  CHECK_STATUS(HJ_OK, hj_tenant_create(tenant, HJ_STR("ended"), NULL, &grant, error));
  hj_str id = hj_str_of(hj_session_id(hj_grant_session(grant)));
  hj_str token = hj_str_of(hj_grant_access_token(grant));
  CHECK_STATUS(HJ_OK, hj_tenant_revoke(tenant, id, error));
  CHECK_STATUS(HJ_ERR_SESSION_REVOKED, hj_tenant_verify_access_token(tenant, token, &session, &claims, error));
  CHECK(claims == NULL && strcmp(hj_session_status(session), "revoked") == 0 && !hj_session_is_active(session));
  CHECK(strcmp(hj_session_end_reason(session), "revoked") == 0 && hj_session_revoked_at_ms(session) > 0);
  hj_session_free(session);
  CHECK_STATUS(HJ_ERR_SESSION_REVOKED, hj_tenant_verify_session(tenant, id, &session, error));
  CHECK(session != NULL && strcmp(hj_session_user_id(session), "ended") == 0);
  hj_session_free(session);
  CHECK_STATUS(HJ_ERR_SESSION_REVOKED, hj_tenant_verify_session(tenant, id, NULL, error));
  hj_grant_free(grant);
}

static void refuse_after_close(void) {
  hj_grant *grant = NULL;
  hj_tenant *new_tenant = NULL;
  CHECK_STATUS(HJ_OK, hj_engine_close(engine, error));
  CHECK_STATUS(HJ_OK, hj_engine_close(engine, error));
  CHECK_STATUS(HJ_ERR_ENGINE_CLOSED, hj_engine_tenant(engine, HJ_STR("tnt_a"), HJ_STR("sk_test_a_7Hq2Zk9Wm4Xc1Vb8Nt5R"), &new_tenant, error));
  CHECK_STATUS(HJ_ERR_ENGINE_CLOSED, hj_engine_lower_clock_mark(engine, error));
  CHECK_STATUS(HJ_ERR_ENGINE_CLOSED, hj_tenant_create(tenant, HJ_STR("u"), NULL, &grant, error));
  CHECK_STATUS(HJ_ERR_ENGINE_CLOSED, hj_tenant_sweep(tenant, NULL, error));
  CHECK_STATUS(HJ_ERR_ENGINE_CLOSED, hj_tenant_revoke_tenant(tenant, NULL, error));
  CHECK_STATUS(HJ_ERR_ENGINE_CLOSED, hj_tenant_rotate_keys(tenant, NULL, error));
  CHECK(strcmp(hj_tenant_id(tenant), "tnt_a") == 0);
}

int main(void) {
  hj_engine *new_engine = NULL;
  CHECK_STATUS(HJ_OK, hj_engine_open(HJ_STR(":memory:"), NULL, &engine, error));
  CHECK_STATUS(HJ_OK, hj_engine_tenant(engine, HJ_STR("tnt_a"), HJ_STR("sk_test_a_7Hq2Zk9Wm4Xc1Vb8Nt5R"), &tenant, error));
  CHECK_STATUS(HJ_ERR_STORAGE_IO, hj_engine_open(HJ_STR("/nowhere/at/all.db"), NULL, &new_engine, error));
  CHECK_STATUS(HJ_ERR_STORAGE_CORRUPT, hj_engine_open(HJ_STR("/etc/passwd"), NULL, &new_engine, error));
  CHECK_STATUS(HJ_ERR_INVALID_API_KEY,
               hj_engine_tenant(engine, HJ_STR("tnt_a"), HJ_STR("sk_test_b_3Jd6Pf9Ls1Gv4Tn7Rk2W"), &(hj_tenant *){NULL}, error));
  refuse_bad_texts();
  answer_bad_requests();
  refuse_bad_structs();
  hand_out_ended_sessions();
  refuse_after_close();
  hj_tenant_free(tenant);
  hj_engine_free(engine);
  return report();
}
