/* The REST API through C: every route, every refusal, and the host's answer to a sign-in. Core tests what the API
 * means; this file tests what crosses the border. */

#include "check.h"

#include <string.h>

static hj_tenant *tenant;
static hj_rest *rest;

#define SECRET "Bearer sk_test_a_7Hq2Zk9Wm4Xc1Vb8Nt5R"
static const hj_str json = {"application/json", 16};

/* Answers one request with up to two headers; the caller frees. */
static hj_response *ask(hj_rest *api, const char *method, const char *target, const char *authorization,
                        hj_str body) {
  hj_header headers[2];
  hj_rest_request request = hj_rest_request_init();
  hj_response *answer = NULL;
  request.method = hj_str_of(method);
  request.target = hj_str_of(target);
  request.headers = headers;
  request.body = body;
  request.client_address = HJ_STR("203.0.113.7");
  if (authorization != NULL) {
    headers[request.header_count++] = (hj_header){HJ_STR("Authorization"), hj_str_of(authorization)};
  }
  if (body.ptr != NULL) {
    headers[request.header_count++] = (hj_header){HJ_STR("content-type"), json};
  }
  CHECK_STATUS(HJ_OK, hj_rest_handle(api, &request, &answer, error));
  CHECK(strlen(hj_response_body(answer)) == hj_response_body_len(answer));
  return answer;
}

static const char *header(const hj_response *answer, const char *name) {
  for (size_t i = 0; i < hj_response_header_count(answer); i++) {
    if (strcmp(hj_response_header_name(answer, i), name) == 0) {
      return hj_response_header_value(answer, i);
    }
  }
  return "";
}

static bool says(const hj_response *answer, const char *part) {
  return strstr(hj_response_body(answer), part) != NULL;
}

/* One request, its status, and what its body contains. */
#define EXPECT(status, part, ...)                                                            \
  do {                                                                                       \
    hj_response *response = ask(rest, __VA_ARGS__);                                          \
    CHECK(hj_response_status(response) == (status) && says(response, part));                 \
    CHECK((hj_response_error(response) == NULL) == ((status) < 400));                        \
    hj_response_free(response);                                                              \
  } while (0)

static const hj_str none = {NULL, 0};

/* The string member of a JSON object, copied. */
static char *member(const hj_response *answer, const char *name) {
  char key[64];
  snprintf(key, sizeof key, "\"%s\":\"", name);
  const char *start = strstr(hj_response_body(answer), key);
  if (start == NULL) {
    CHECK(!"the member exists");
    return strdup("");
  }
  start += strlen(key);
  return strndup(start, strcspn(start, "\""));
}

static int asked;

/* The password decides what the host answers. */
static void authenticate(void *user_data, hj_sign_in *sign_in) {
  const char *password = hj_sign_in_password(sign_in);
  hj_create_options options = hj_create_options_init();
  char *user = strdup(hj_sign_in_email(sign_in)), *role = strdup("admin");
  asked++;
  CHECK(user_data == &asked);
  CHECK(strstr(hj_sign_in_credentials_json(sign_in), password) != NULL);
  options.role = hj_str_of(role);
  if (strcmp(password, "yes") == 0) {
    /* Any other call may be made here, also on the same API. */
    EXPECT(200, "\"keys\"", "GET", "/.well-known/jwks.json", NULL, none);
    CHECK_STATUS(HJ_OK, hj_sign_in_accept(sign_in, hj_str_of(user), &options, error));
  } else if (strcmp(password, "failed") == 0) {
    CHECK_STATUS(HJ_OK, hj_sign_in_accept(sign_in, hj_str_of(user), NULL, error));
    hj_sign_in_fail(sign_in);
  } else if (strcmp(password, "misfit") == 0) {
    options.duration = HJ_STR("sometime");
    CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_sign_in_accept(sign_in, hj_str_of(user), &options, error));
  } else if (strcmp(password, "corrected") == 0) {
    CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_sign_in_accept(sign_in, HJ_STR(""), NULL, error));
    CHECK_STATUS(HJ_OK, hj_sign_in_accept(sign_in, HJ_STR("usr_1"), NULL, error));
  } else {
    CHECK(strcmp(password, "no") == 0);
  }
  memset(user, 'x', strlen(user)); /* what was accepted is a copy */
  free(user);
  free(role);
}

#define SIGN_IN(password) \
  "POST", "/v1/auth/sign-in", NULL, HJ_STR("{\"email\":\"usr_1\",\"password\":\"" password "\"}")

static void sign_in(void) {
  EXPECT(200, "\"user_id\":\"usr_1\"", SIGN_IN("yes"));
  EXPECT(200, "\"ip_address\":\"203.0.113.7\"", SIGN_IN("corrected"));
  EXPECT(401, "\"code\":\"invalid_credentials\"", SIGN_IN("no"));
  EXPECT(500, "\"code\":\"internal\"", SIGN_IN("failed"));
  hj_response *answer = ask(rest, SIGN_IN("misfit"));
  CHECK(hj_response_status(answer) == 500 && !says(answer, "sometime") && !says(answer, "duration"));
  CHECK(hj_error_status(hj_response_error(answer)) == HJ_ERR_INTERNAL);
  CHECK(hj_error_detail(hj_response_error(answer)) != NULL);
  hj_response_free(answer);
  CHECK(asked == 5);
  /* The API does not ask the host about credentials that no user can have. */
  EXPECT(401, "\"code\":\"invalid_credentials\"", SIGN_IN("yes\\u0000"));
  EXPECT(422, "password", "POST", "/v1/auth/sign-in", NULL, HJ_STR("{\"email\":\"usr_1\"}"));
  EXPECT(400, "\"code\":\"bad_request\"", "POST", "/v1/auth/sign-in", NULL, HJ_STR("{\"email\":"));
  EXPECT(400, "\"code\":\"bad_request\"", "POST", "/v1/auth/sign-in", NULL, HJ_STR(""));
  EXPECT(400, "\"code\":\"bad_request\"", "POST", "/v1/auth/sign-in", NULL, HJ_STR("\xff"));
  CHECK(asked == 5);
}

static void answer_every_route(void) {
  char target[128], body[4096], bearer[4096];
  hj_response *answer = ask(rest, SIGN_IN("yes"));
  char *access = member(answer, "access_token"), *refresh = member(answer, "refresh_token");
  char *id = member(answer, "session_id");
  CHECK(strncmp(header(answer, "x-request-id"), "req_", 4) == 0);
  CHECK(strcmp(header(answer, "content-type"), "application/json") == 0);
  CHECK(strcmp(header(answer, "cache-control"), "no-store") == 0);
  hj_response_free(answer);
  snprintf(bearer, sizeof bearer, "Bearer %s", access);
  snprintf(target, sizeof target, "/v1/sessions/%s", id);

  EXPECT(200, id, "GET", "/v1/sessions?user_id=usr_1&limit=5", SECRET, none);
  EXPECT(200, "\"current\":true", "GET", "/v1/sessions", bearer, none);
  EXPECT(200, "\"role\":\"admin\"", "GET", target, SECRET, none);
  snprintf(body, sizeof body, "{\"token\":\"%s\"}", access);
  EXPECT(200, "\"valid\":true", "POST", "/v1/sessions/verify", SECRET, hj_str_of(body));
  snprintf(body, sizeof body, "{\"refresh_token\":\"%s\"}", refresh);
  EXPECT(200, "\"refresh_token\":\"rt_", "POST", "/v1/auth/token/refresh", NULL, hj_str_of(body));
  EXPECT(200, "\"session_duration\":", "GET", "/v1/admin/config", SECRET, none);
  EXPECT(200, "\"idle_timeout\":\"7d\"", "PATCH", "/v1/admin/config", SECRET, HJ_STR("{\"idle_timeout\":\"7d\"}"));
  EXPECT(200, "\"sessions\":", "GET", "/v1/admin/stats", SECRET, none);
  EXPECT(200, "\"kty\":\"OKP\"", "GET", "/.well-known/jwks.json", NULL, none);
  EXPECT(204, "", "POST", "/v1/auth/sign-out", bearer, none);
  EXPECT(401, "\"code\":\"session_revoked\"", "GET", "/v1/sessions", bearer, none);
  EXPECT(204, "", "DELETE", target, SECRET, none);
  EXPECT(200, "{\"revoked\":", "DELETE", "/v1/sessions?user_id=usr_1", SECRET, none);

  answer = ask(rest, "HEAD", target, SECRET, none);
  CHECK(hj_response_status(answer) == 200 && hj_response_body_len(answer) == 0);
  CHECK(atoi(header(answer, "content-length")) > 0);
  hj_response_free(answer);
  free(access);
  free(refresh);
  free(id);
}

static void refuse_bad_requests(void) {
  static char huge[HJ_REST_BODY_MAX + 1];
  memset(huge, ' ', sizeof huge);
  EXPECT(401, "\"code\":\"missing_token\"", "GET", "/v1/sessions", NULL, none);
  EXPECT(401, "\"code\":\"invalid_api_key\"", "GET", "/v1/sessions", "Bearer sk_test_b_3Jd6Pf9Ls1Gv4Tn7Rk2W", none);
  EXPECT(401, "\"code\":\"invalid_token\"", "GET", "/v1/sessions", "Bearer x.y.z", none);
  EXPECT(401, "\"error\"", "GET", "/v1/sessions", "Bearer \xff", none);
  EXPECT(404, "\"code\":\"not_found\"", "GET", "/v1/nothing", SECRET, none);
  EXPECT(404, "\"code\":\"session_not_found\"", "GET", "/v1/sessions/ses_%00", SECRET, none);
  EXPECT(422, "\"code\":\"validation_error\"", "DELETE", "/v1/sessions?userid=usr_1", SECRET, none);
  EXPECT(404, "\"code\":\"session_not_found\"", "GET", "/v1/sessions/%2e%2e%2fses_x", SECRET, none);
  EXPECT(400, "\"code\":\"bad_request\"", "GET", "/v1/sessions?user_id=%ff", SECRET, none);
  EXPECT(400, "\"code\":\"bad_request\"", "POST", "/v1/auth/sign-in", NULL, hj_str_view("{}\0", 3));
  EXPECT(422, "\"code\":\"validation_error\"", "POST", "/v1/auth/sign-in", NULL, HJ_STR("[]"));
  EXPECT(413, "\"code\":\"payload_too_large\"", "POST", "/v1/auth/sign-in", NULL, hj_str_view(huge, sizeof huge));
  EXPECT(400, "\"code\":\"bad_request\"", "POST", "/v1/auth/sign-in", NULL, hj_str_view(huge, sizeof huge - 1));
  memcpy(huge, "{\"session_id\":\"x\"}", 18); /* as long as may be, and good */
  EXPECT(200, "\"valid\":false", "POST", "/v1/sessions/verify", SECRET, hj_str_view(huge, sizeof huge - 1));
  hj_response *answer = ask(rest, "PUT", "/v1/sessions", SECRET, none);
  CHECK(hj_response_status(answer) == 405);
  CHECK(strcmp(header(answer, "allow"), "GET, DELETE, HEAD, OPTIONS") == 0);
  hj_response_free(answer);
  answer = ask(rest, "GET", "/v1/sessions", NULL, none);
  CHECK(strcmp(header(answer, "www-authenticate"), "Bearer") == 0);
  CHECK(hj_error_status(hj_response_error(answer)) == HJ_ERR_MISSING_TOKEN);
  hj_response_free(answer);
}

/* Texts that are longer than a client needs, and longer than a server accepts. */
static void survive_long_texts(void) {
  enum { LONGEST = 1024 * 1024, CASES = 4 };
  static const struct {
    size_t length;
    int of_target, of_value, of_name, of_method;
  } cases[CASES] = {{7 * 1024, 404, 200, 200, 405},
                    {33 * 1024, 404, 400, 400, 405},
                    {65 * 1024, 400, 400, 400, 405},
                    {LONGEST, 400, 400, 400, 405}};
  char *text = malloc(LONGEST);
  if (text == NULL) {
    abort();
  }
  memset(text, 'a', LONGEST);
  for (int i = 0; i < CASES; i++) {
    int expected[] = {cases[i].of_target, cases[i].of_value, cases[i].of_name, cases[i].of_method};
    for (int position = 0; position < 4; position++) {
      hj_header header = {HJ_STR("X-Header"), HJ_STR("x")};
      hj_rest_request request = hj_rest_request_init();
      hj_str *fields[] = {&request.target, &header.value, &header.name, &request.method};
      hj_response *answer = NULL;
      request.method = HJ_STR("GET");
      request.target = HJ_STR("/.well-known/jwks.json");
      request.headers = &header;
      request.header_count = 1;
      text[0] = position == 0 ? '/' : 'a';
      *fields[position] = hj_str_view(text, cases[i].length);
      CHECK_STATUS(HJ_OK, hj_rest_handle(rest, &request, &answer, error));
      CHECK(hj_response_status(answer) == expected[position]);
      hj_response_free(answer);
    }
  }
  free(text);
}

/* The API sees both lines of a header that came twice, and refuses a flood of lines. */
static void survive_many_headers(void) {
  enum { FLOOD = 70000 };
  hj_header *lines = calloc(FLOOD, sizeof *lines);
  hj_rest_request request = hj_rest_request_init();
  if (lines == NULL) {
    abort();
  }
  for (size_t i = 0; i < FLOOD; i++) {
    lines[i] = (hj_header){HJ_STR("X-Flood"), HJ_STR("")};
  }
  lines[0] = lines[1] = (hj_header){HJ_STR("authorization"), HJ_STR(SECRET)};
  request.method = HJ_STR("GET");
  request.target = HJ_STR("/v1/sessions");
  request.headers = lines;
  static const struct {
    size_t count;
    int status;
  } cases[] = {{0, 401}, {1, 200}, {2, 400}, {129, 400}, {FLOOD, 400}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    hj_response *answer = NULL;
    request.header_count = cases[i].count;
    CHECK_STATUS(HJ_OK, hj_rest_handle(rest, &request, &answer, error));
    CHECK(hj_response_status(answer) == cases[i].status);
    hj_response_free(answer);
  }
  /* In the answer to a HEAD nothing follows the header lines. */
  hj_response *answer = NULL;
  request.method = HJ_STR("HEAD");
  CHECK_STATUS(HJ_OK, hj_rest_handle(rest, &request, &answer, error));
  CHECK(hj_response_status(answer) == 400 && hj_response_body_len(answer) == 0);
  hj_response_free(answer);
  free(lines);
}

/* In cookie mode only the header carries the refresh token; without hj_authenticate a sign-in gets a 404. */
static void follow_options(void) {
  hj_rest_options options = hj_rest_options_init();
  hj_rest *api = NULL;
  CHECK_STATUS(HJ_OK, hj_tenant_rest(tenant, NULL, &api, error));
  hj_response *answer = ask(api, SIGN_IN("yes"));
  CHECK(hj_response_status(answer) == 404);
  hj_response_free(answer);
  hj_rest_free(api);

  options.settings_json = HJ_STR("{\"cookie\":{\"name\":\"r\",\"same_site\":\"strict\"}}");
  options.authenticate = authenticate;
  options.user_data = &asked;
  CHECK_STATUS(HJ_OK, hj_tenant_rest(tenant, &options, &api, error));
  answer = ask(api, SIGN_IN("yes"));
  CHECK(hj_response_status(answer) == 200 && !says(answer, "refresh_token"));
  CHECK(strncmp(header(answer, "set-cookie"), "r=rt_", 5) == 0);
  CHECK(strstr(header(answer, "set-cookie"), "HttpOnly") != NULL);
  hj_response_free(answer);
  hj_rest_free(api);

  /* Every Set-Cookie is a line of its own; without "admin" the routes of the secret key are not there. */
  options.settings_json = HJ_STR("{\"cookie\":{\"former\":[{\"name\":\"r\"}]},\"admin\":false,\"trailing_slash\":true}");
  CHECK_STATUS(HJ_OK, hj_tenant_rest(tenant, &options, &api, error));
  answer = ask(api, SIGN_IN("yes"));
  size_t cookies = 0;
  for (size_t i = 0; i < hj_response_header_count(answer); i++) {
    cookies += strcmp(hj_response_header_name(answer, i), "set-cookie") == 0;
  }
  CHECK(cookies == 2 && strncmp(header(answer, "set-cookie"), "__Host-hj_refresh=rt_", 21) == 0);
  hj_response_free(answer);
  answer = ask(api, "GET", "/v1/admin/stats", SECRET, none);
  CHECK(hj_response_status(answer) == 404);
  hj_response_free(answer);
  answer = ask(api, "GET", "/.well-known/jwks.json/", NULL, none);
  CHECK(hj_response_status(answer) == 200);
  hj_response_free(answer);
  hj_rest_free(api);

  static const char *const bad[] = {"", "[]", "{\"cookies\":true}", "{\"cookie\":{\"name\":\"a b\"}}",
                                    "{\"cookie\":{\"domain\":\"com\"}}", "{\"admin\":1}",
                                    "{\"cookie\":{\"path\":\"/v1/auth\"},\"mount_path\":\"/auth\"}",
                                    "{\"cookie\":true,\"cookie\":false}", "{\"longest_requested_session\":0}"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    options.settings_json = hj_str_of(bad[i]);
    CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_tenant_rest(tenant, &options, &api, error));
    CHECK(api == NULL);
  }
}

/* Asks who a page is for, by a cookie header; the caller frees the session. */
static hj_response *ask_page(hj_rest *api, const char *method, const char *site, const char *cookies,
                             const hj_authorize_options *options, hj_session **session) {
  hj_rest_request request = hj_rest_request_init();
  hj_response *answer = NULL;
  hj_header headers[] = {{HJ_STR("Cookie"), hj_str_of(cookies)}, {HJ_STR("Sec-Fetch-Site"), hj_str_of(site)}};
  request.method = hj_str_of(method);
  request.target = HJ_STR("/account");
  request.headers = headers;
  request.header_count = 2;
  request.client_address = HJ_STR("203.0.113.9");
  CHECK_STATUS(HJ_OK, hj_rest_authorize(api, &request, options, session, &answer, error));
  return answer;
}

static void expect_page(hj_rest *api, const char *method, const char *site, const char *cookies,
                        const hj_authorize_options *options, int status, const char *user, size_t headers) {
  hj_session *session = NULL;
  hj_response *answer = ask_page(api, method, site, cookies, options, &session);
  CHECK(hj_response_status(answer) == status);
  CHECK((session == NULL) == (user == NULL));
  CHECK(user == NULL || strcmp(hj_session_user_id(session), user) == 0);
  CHECK(status != 200 || hj_response_header_count(answer) == headers);
  hj_response_free(answer);
  hj_session_free(session);
}

/* Pages of a browser, by cookies. */
static void authorize_pages(void) {
  hj_rest *api = NULL;
  hj_grant *grant = NULL;
  hj_rest_options rest_options = hj_rest_options_init();
  hj_authorize_options options = hj_authorize_options_init();
  hj_required_auth required = hj_required_auth_init();
  hj_create_options create = hj_create_options_init();
  char cookies[8192], refresh[512];
  rest_options.settings_json = HJ_STR("{\"cookie\":{\"access\":true}}");
  CHECK_STATUS(HJ_OK, hj_tenant_rest(tenant, &rest_options, &api, error));
  create.role = HJ_STR("member");
  CHECK_STATUS(HJ_OK, hj_tenant_create(tenant, HJ_STR("usr_9"), &create, &grant, error));
  snprintf(refresh, sizeof refresh, "__Host-hj_refresh=%s", hj_grant_refresh_token(grant));
  snprintf(cookies, sizeof cookies, "__Host-hj_access=%s; %s", hj_grant_access_token(grant), refresh);
  expect_page(api, "GET", "same-origin", cookies, NULL, 200, "usr_9", 0);
  expect_page(api, "POST", "same-origin", cookies, NULL, 200, "usr_9", 0);
  expect_page(api, "POST", "same-site", cookies, NULL, 403, NULL, 0);
  expect_page(api, "GET", "same-origin", "theme=dark", NULL, 401, NULL, 0);
  options.optional = true;
  expect_page(api, "GET", "same-origin", "theme=dark", &options, 200, NULL, 0);
  expect_page(rest, "GET", "same-origin", cookies, NULL, 401, NULL, 0);
  options.required = &required;
  required.role = HJ_STR("admin");
  expect_page(api, "GET", "same-origin", cookies, &options, 403, NULL, 0);
  required.role = HJ_STR("member");
  expect_page(api, "GET", "same-origin", cookies, &options, 200, "usr_9", 0);
  required.mfa = true;
  expect_page(api, "GET", "same-origin", cookies, &options, 401, NULL, 0);
  required.mfa = false;
  /* The refresh cookie alone proves the user; it is replaced where the host says that it sends the headers. */
  expect_page(api, "GET", "same-origin", refresh, &options, 200, "usr_9", 0);
  options.renew = true;
  expect_page(api, "GET", "cross-site", refresh, &options, 200, "usr_9", 0);
  expect_page(api, "GET", "same-origin", refresh, &options, 200, "usr_9", 3);
  hj_session *session = NULL;
  hj_response *answer = ask_page(api, "GET", "same-origin", refresh, &options, &session);
  CHECK(strcmp(header(answer, "cache-control"), "no-store") == 0);
  CHECK(strncmp(header(answer, "set-cookie"), "__Host-hj_refresh=rt_", 21) == 0);
  CHECK(strcmp(hj_session_last_ip_address(session), "203.0.113.9") == 0);
  hj_response_free(answer);
  hj_session_free(session);
  CHECK_STATUS(HJ_OK, hj_tenant_revoke(tenant, hj_str_of(hj_session_id(hj_grant_session(grant))), error));
  options.optional = false;
  answer = ask_page(api, "GET", "same-origin", cookies, &options, &session);
  CHECK(hj_response_status(answer) == 401 && session == NULL && says(answer, "session_revoked"));
  CHECK(strstr(header(answer, "set-cookie"), "=; Path=/; Max-Age=0") != NULL);
  hj_response_free(answer);
  hj_grant_free(grant);
  hj_rest_free(api);
}

int main(void) {
  hj_engine *engine = NULL;
  hj_rest_options options = hj_rest_options_init();
  CHECK_STATUS(HJ_OK, hj_engine_open(HJ_STR(":memory:"), NULL, &engine, error));
  CHECK_STATUS(HJ_OK, hj_engine_tenant(engine, HJ_STR("tnt_a"), HJ_STR("sk_test_a_7Hq2Zk9Wm4Xc1Vb8Nt5R"), &tenant, error));
  options.authenticate = authenticate;
  options.user_data = &asked;
  CHECK_STATUS(HJ_OK, hj_tenant_rest(tenant, &options, &rest, error));
  sign_in();
  answer_every_route();
  refuse_bad_requests();
  survive_long_texts();
  survive_many_headers();
  follow_options();
  authorize_pages();
  /* The API outlives the tenant handle that made it, and answers also after the engine was closed. */
  hj_tenant_free(tenant);
  EXPECT(200, "\"keys\"", "GET", "/.well-known/jwks.json", NULL, none);
  CHECK_STATUS(HJ_OK, hj_engine_close(engine, error));
  EXPECT(503, "\"code\":\"engine_closed\"", "GET", "/v1/admin/stats", SECRET, none);
  hj_engine_free(engine);
  hj_rest_free(rest);
  return report();
}
