/* Many threads use one tenant at once: every answer is right, the counts agree, and a close in between is clean. */

#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { THREADS = 8, ROUNDS = 12 };

static hj_engine *engine;
static hj_tenant *tenant;
static hj_rest *rest;
static atomic_int faults, created, revoked;

static void expect(hj_status expected, hj_status status, const char *what) {
  if (status != expected) {
    atomic_fetch_add(&faults, 1);
    fprintf(stderr, "%s: %s\n", what, hj_status_name(status));
  }
}

/* Several threads of a server sign in over REST at once. */
static void authenticate(void *user_data, hj_sign_in *sign_in) {
  (void)user_data;
  expect(HJ_OK, hj_sign_in_accept(sign_in, hj_str_of(hj_sign_in_email(sign_in)), NULL, NULL), "accept");
}

static void sign_in_over_rest(const char *user) {
  char body[64];
  hj_header json = {HJ_STR("content-type"), HJ_STR("application/json")};
  hj_rest_request request = hj_rest_request_init();
  hj_response *response = NULL;
  snprintf(body, sizeof body, "{\"email\":\"%s\",\"password\":\"p\"}", user);
  request.method = HJ_STR("POST");
  request.target = HJ_STR("/v1/auth/sign-in");
  request.headers = &json;
  request.header_count = 1;
  request.body = hj_str_of(body);
  expect(HJ_OK, hj_rest_handle(rest, &request, &response, NULL), "sign in over REST");
  expect(HJ_OK, hj_error_status(hj_response_error(response)), "sign in over REST");
  atomic_fetch_add(&created, 1);
  char signed_in[64];
  snprintf(signed_in, sizeof signed_in, "\"user_id\":\"%s\"", user);
  if (hj_response_body(response) == NULL || strstr(hj_response_body(response), signed_in) == NULL) {
    atomic_fetch_add(&faults, 1);
  }
  hj_response_free(response);
}

static void *live_sessions(void *argument) {
  char user[16];
  snprintf(user, sizeof user, "usr_%d", *(int *)argument);
  for (int round = 0; round < ROUNDS; round++) {
    hj_grant *grant = NULL, *fresh = NULL;
    hj_page *page = NULL;
    hj_session *ended = NULL;
    hj_list_options mine = hj_list_options_init();
    mine.user_id = hj_str_of(user);
    expect(HJ_OK, hj_tenant_create(tenant, hj_str_of(user), NULL, &grant, NULL), "create");
    atomic_fetch_add(&created, 1);
    hj_str id = hj_str_of(hj_session_id(hj_grant_session(grant)));
    hj_str token = hj_str_of(hj_grant_access_token(grant));
    hj_str refresh_token = hj_str_of(hj_grant_refresh_token(grant));
    expect(HJ_OK, hj_tenant_verify_access_token(tenant, token, NULL, NULL, NULL), "verify");
    expect(HJ_OK, hj_tenant_refresh(tenant, refresh_token, NULL, &fresh, NULL), "refresh");
    expect(HJ_OK, hj_tenant_list(tenant, &mine, &page, NULL), "list");
    if (round % 2 == 0) {
      expect(HJ_OK, hj_tenant_revoke(tenant, id, NULL), "revoke");
      atomic_fetch_add(&revoked, 1);
      expect(HJ_ERR_SESSION_REVOKED, hj_tenant_verify_access_token(tenant, token, &ended, NULL, NULL), "verify");
      expect(HJ_ERR_SESSION_REVOKED,
             hj_tenant_refresh(tenant, hj_str_of(hj_grant_refresh_token(fresh)), NULL, &(hj_grant *){NULL}, NULL),
             "refresh after revoke");
    }
    hj_session_free(ended);
    sign_in_over_rest(user);
    hj_page_free(page);
    hj_grant_free(fresh);
    hj_grant_free(grant);
  }
  return NULL;
}

/* Calls until the engine is closed. A call may only succeed or fail with engine_closed, and no call succeeds later. */
static void *outlive_engine(void *argument) {
  (void)argument;
  for (;;) {
    hj_grant *grant = NULL;
    hj_status status = hj_tenant_create(tenant, HJ_STR("late"), NULL, &grant, NULL);
    hj_grant_free(grant);
    if (status == HJ_ERR_ENGINE_CLOSED) {
      expect(HJ_ERR_ENGINE_CLOSED, hj_tenant_sweep(tenant, NULL, NULL), "sweep after close");
      return NULL;
    }
    expect(HJ_OK, status, "create before close");
    if (status != HJ_OK) {
      return NULL;
    }
  }
}

static void run_all(void *(*body)(void *), bool close_midway) {
  pthread_t threads[THREADS];
  int numbers[THREADS];
  for (int i = 0; i < THREADS; i++) {
    numbers[i] = i;
    CHECK(pthread_create(&threads[i], NULL, body, &numbers[i]) == 0);
  }
  if (close_midway) {
    usleep(50 * 1000);
    CHECK_STATUS(HJ_OK, hj_engine_close(engine, error));
  }
  for (int i = 0; i < THREADS; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
  }
}

int main(void) {
  const char *path = scratch("threads");
  hj_open_options options = hj_open_options_init();
  hj_rest_options api = hj_rest_options_init();
  hj_stats *stats = NULL;
  options.durability = HJ_DURABILITY_NORMAL;
  options.busy_timeout_ms = 60000; /* valgrind is slow */
  CHECK_STATUS(HJ_OK, hj_engine_open(hj_str_of(path), &options, &engine, error));
  CHECK_STATUS(HJ_OK, hj_engine_tenant(engine, HJ_STR("tnt_a"), HJ_STR("sk_test_a_7Hq2Zk9Wm4Xc1Vb8Nt5R"), &tenant, error));
  api.authenticate = authenticate;
  CHECK_STATUS(HJ_OK, hj_tenant_rest(tenant, &api, &rest, error));
  run_all(live_sessions, false);
  CHECK_STATUS(HJ_OK, hj_tenant_stats(tenant, &stats, error));
  CHECK(hj_stats_active(stats) == (uint64_t)(created - revoked));
  CHECK(hj_stats_revoked(stats) == (uint64_t)revoked);
  hj_stats_free(stats);
  run_all(outlive_engine, true);
  CHECK(faults == 0);
  /* Freed in another order than made. */
  hj_engine_free(engine);
  hj_tenant_free(tenant);
  hj_rest_free(rest);
  return report();
}
