/* After fork() every call on the parent's engine refuses the child. The child can free the engine, and harms neither
 * the parent nor its file, all while other threads of the parent work. */

#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#ifdef __SANITIZE_ADDRESS__
/* The sanitizer's own allocator may be locked by another thread at a fork, and stays locked in the child. */
enum { THREADS = 0 };
#else
enum { THREADS = 3 };
#endif

static char path[512];
static hj_engine *engine;
static hj_tenant *tenant;
static hj_rest *rest;
static hj_grant *grant;
static hj_pending_read *begun;
static hj_pending_write *begun_write;
static hj_pending_response *begun_response;
static hj_pending_open *begun_open;
static hj_pending_sign_in *begun_sign_in;
static hj_pending_count *begun_count;
static atomic_bool stop;

#define FORKED(call) CHECK_STATUS(HJ_ERR_FORKED, call)

static void never_called(void *user_data) {
  (void)user_data;
  abort();
}

static void run_child(void) {
  hj_str id = hj_str_of(hj_session_id(hj_grant_session(grant)));
  hj_str token = hj_str_of(hj_grant_access_token(grant));
  hj_str refresh_token = hj_str_of(hj_grant_refresh_token(grant));
  hj_str absent = {NULL, 0}, user = HJ_STR("u");
  hj_tenant *new_tenant = NULL;
  hj_grant *new_grant = NULL;
  hj_session *session = NULL;
  hj_claims *claims = NULL;
  hj_page *page = NULL;
  hj_config *config = NULL;
  hj_keys *keys = NULL;
  hj_text *text = NULL;
  hj_stats *stats = NULL;
  hj_sign_in_attempt *attempt = NULL;
  hj_response *response = NULL;
  hj_rest_request request = hj_rest_request_init();
  check_count = check_failures = 0;
  FORKED(hj_engine_tenant(engine, HJ_STR("tnt_a"), HJ_STR("sk_test_a_7Hq2Zk9Wm4Xc1Vb8Nt5R"), &new_tenant, error));
  FORKED(hj_engine_lower_clock_mark(engine, error));
  FORKED(hj_tenant_create(tenant, user, NULL, &new_grant, error));
  FORKED(hj_tenant_begin_sign_in(tenant, user, absent, &attempt, error));
  FORKED(hj_tenant_refresh(tenant, refresh_token, NULL, &new_grant, error));
  FORKED(hj_tenant_update(tenant, id, NULL, &new_grant, error));
  FORKED(hj_tenant_verify_access_token(tenant, token, &session, &claims, error));
  FORKED(hj_tenant_verify_session(tenant, id, &session, error));
  FORKED(hj_tenant_verify_locally(tenant, token, NULL, &claims, error));
  FORKED(hj_tenant_get(tenant, id, &session, error));
  FORKED(hj_tenant_list(tenant, NULL, &page, error));
  FORKED(hj_pending_read_wait(begun, &session, NULL, NULL, error));
  FORKED(hj_pending_write_wait(begun_write, &new_grant, NULL, error));
  FORKED(hj_pending_write_notify(begun_write, never_called, NULL, error));
  hj_pending_write *new_write = NULL;
  CHECK_STATUS(HJ_OK, hj_tenant_begin_revoke(tenant, id, &new_write, error));
  FORKED(hj_pending_write_wait(new_write, NULL, NULL, error));
  hj_pending_write_free(new_write);
  FORKED(hj_pending_response_wait(begun_response, &response, error));
  FORKED(hj_pending_open_wait(begun_open, NULL, &new_tenant, error));
  FORKED(hj_pending_open_notify(begun_open, never_called, NULL, error));
  FORKED(hj_pending_sign_in_wait(begun_sign_in, &attempt, error));
  FORKED(hj_pending_sign_in_notify(begun_sign_in, never_called, NULL, error));
  FORKED(hj_pending_count_wait(begun_count, NULL, NULL, error));
  FORKED(hj_pending_count_notify(begun_count, never_called, NULL, error));
  CHECK_STATUS(HJ_OK, hj_tenant_begin_revoke_tenant(tenant, &new_write, error));
  FORKED(hj_pending_write_wait(new_write, NULL, NULL, error));
  hj_pending_write_free(new_write);
  FORKED(hj_tenant_sign_out(tenant, token, absent, NULL, error));
  FORKED(hj_tenant_sign_out(tenant, refresh_token, absent, NULL, error));
  FORKED(hj_tenant_revoke(tenant, id, error));
  FORKED(hj_tenant_revoke_user(tenant, user, absent, NULL, error));
  FORKED(hj_tenant_revoke_tenant(tenant, NULL, error));
  FORKED(hj_tenant_config(tenant, &config, error));
  FORKED(hj_tenant_update_config(tenant, HJ_STR("{\"idle_timeout\":\"1d\"}"), &config, error));
  FORKED(hj_tenant_change_secret_key(tenant, HJ_STR("sk_test_b_3Jd6Pf9Ls1Gv4Tn7Rk2W"), error));
  FORKED(hj_tenant_rotate_refresh_key(tenant, error));
  FORKED(hj_tenant_keys(tenant, &keys, error));
  FORKED(hj_tenant_rotate_keys(tenant, &text, error));
  FORKED(hj_tenant_jwks(tenant, &text, error));
  FORKED(hj_tenant_retire_key(tenant, HJ_STR("key_01ARZ3NDEKTSV4RRFFQ69G5FAV"), error));
  FORKED(hj_tenant_sweep(tenant, NULL, error));
  FORKED(hj_tenant_purge_older_than(tenant, HJ_STR("1d"), NULL, error));
  FORKED(hj_tenant_purge_before(tenant, 0, NULL, error));
  FORKED(hj_tenant_stats(tenant, &stats, error));
  request.method = HJ_STR("GET");
  request.target = HJ_STR("/.well-known/jwks.json");
  CHECK_STATUS(HJ_OK, hj_rest_handle(rest, &request, &response, error));
  CHECK(hj_response_status(response) == 500 && hj_error_status(hj_response_error(response)) == HJ_ERR_FORKED);
  hj_response_free(response);
  FORKED(hj_engine_close(engine, error));
  /* Nor does the child open anything: SQLite's own locks may be taken for ever. */
  hj_engine *new_engine = NULL;
  hj_check_report *report_of_check = NULL;
  FORKED(hj_engine_open(hj_str_of(path), NULL, &new_engine, error));
  FORKED(hj_engine_open(hj_str_of(scratch("fork-child")), NULL, &new_engine, error));
  FORKED(hj_engine_open(HJ_STR(":memory:"), NULL, &new_engine, error));
  FORKED(hj_check_database(hj_str_of(path), &report_of_check, error));
  hj_copy_report *report_of_copy = NULL;
  hj_replay_report *report_of_replay = NULL;
  FORKED(hj_restore_database_with_events(hj_str_of(path), hj_str_of(scratch("fork-copy")), HJ_STR("/nowhere/log"),
                                         HJ_STR("{\"keys\":[]}"), &report_of_replay, error));
  FORKED(hj_copy_database(hj_str_of(path), hj_str_of(scratch("fork-copy")), NULL, NULL, &report_of_copy, error));
  /* Calls that need no engine go on working. */
  CHECK(hj_session_id(hj_grant_session(grant)) != NULL);
  hj_grant_free(grant);
  hj_engine_free(engine);
  hj_pending_read_free(begun);
  hj_pending_write_free(begun_write);
  hj_pending_response_free(begun_response);
  hj_pending_open_free(begun_open);
  hj_pending_sign_in_free(begun_sign_in);
  hj_pending_count_free(begun_count);
  hj_tenant_free(tenant);
  hj_rest_free(rest);
}

/* Keeps every lock of the engine busy, so that forks find the locks taken. */
static void *work(void *argument) {
  hj_str token = hj_str_of(hj_grant_access_token(argument));
  while (!atomic_load(&stop)) {
    hj_grant *new_grant = NULL;
    if (hj_tenant_create(tenant, HJ_STR("busy"), NULL, &new_grant, NULL) != HJ_OK ||
        hj_tenant_verify_locally(tenant, token, NULL, NULL, NULL) != HJ_OK ||
        hj_tenant_verify_access_token(tenant, token, NULL, NULL, NULL) != HJ_OK) {
      fprintf(stderr, "a call of a parent thread failed\n");
      abort();
    }
    hj_grant_free(new_grant);
  }
  return NULL;
}

static void fork_and(void (*body)(void)) {
  int status = -1;
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    alarm(120); /* a deadlock ends as a failure */
    body();
    /* Not by exit(): a memory checker would report everything that the child inherits as lost. */
    execl("/bin/sh", "sh", "-c", check_failures == 0 ? "exit 0" : "exit 1", (char *)NULL);
  }
  CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void) {
  hj_open_options options = hj_open_options_init();
  hj_session *session = NULL;
  int forks = getenv("HJ_FORKS") ? atoi(getenv("HJ_FORKS")) : 25;
  pthread_t threads[THREADS + 1];
  snprintf(path, sizeof path, "%s", scratch("fork"));
  options.durability = HJ_DURABILITY_NORMAL;
  options.busy_timeout_ms = 60000;
  CHECK_STATUS(HJ_OK, hj_engine_open(hj_str_of(path), &options, &engine, error));
  CHECK_STATUS(HJ_OK, hj_engine_tenant(engine, HJ_STR("tnt_a"), HJ_STR("sk_test_a_7Hq2Zk9Wm4Xc1Vb8Nt5R"), &tenant, error));
  CHECK_STATUS(HJ_OK, hj_tenant_create(tenant, HJ_STR("u"), NULL, &grant, error));
  CHECK_STATUS(HJ_OK, hj_tenant_rest(tenant, NULL, &rest, error));
  CHECK_STATUS(HJ_OK, hj_tenant_begin_list(tenant, NULL, &begun, error));
  CHECK_STATUS(HJ_OK, hj_tenant_begin_create(tenant, HJ_STR("u"), NULL, &begun_write, error));
  hj_rest_request request = hj_rest_request_init();
  request.method = HJ_STR("GET");
  request.target = HJ_STR("/v1/sessions");
  CHECK_STATUS(HJ_OK, hj_rest_begin_handle(rest, &request, &begun_response, error));
  CHECK_STATUS(HJ_OK, hj_engine_begin_tenant(engine, HJ_STR("tnt_b"), HJ_STR("sk_test_b_3Jd6Pf9Ls1Gv4Tn7Rk2W"), &begun_open, error));
  CHECK_STATUS(HJ_OK, hj_tenant_begin_sign_in_attempt(tenant, HJ_STR("u"), HJ_STR("203.0.113.42"), &begun_sign_in, error));
  CHECK_STATUS(HJ_OK, hj_tenant_begin_count(tenant, NULL, &begun_count, error));
  for (int i = 0; i < THREADS; i++) {
    CHECK(pthread_create(&threads[i], NULL, work, grant) == 0);
  }
  for (int i = 0; i < forks; i++) {
    fork_and(run_child);
  }
  atomic_store(&stop, true);
  for (int i = 0; i < THREADS; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
  }
  /* The parent goes on, and its file holds everything. */
  CHECK_STATUS(HJ_OK, hj_tenant_get(tenant, hj_str_of(hj_session_id(hj_grant_session(grant))), &session, error));
  hj_session_free(session);
  CHECK_STATUS(HJ_OK, hj_pending_read_wait(begun, NULL, NULL, NULL, error));
  hj_pending_read_free(begun);
  hj_pending_write_free(begun_write);
  hj_pending_response_free(begun_response);
  hj_sign_in_attempt *attempt = NULL;
  CHECK_STATUS(HJ_OK, hj_pending_sign_in_wait(begun_sign_in, &attempt, error));
  CHECK_STATUS(HJ_OK, hj_sign_in_attempt_cancel(attempt, error));
  CHECK_STATUS(HJ_OK, hj_pending_open_wait(begun_open, NULL, NULL, error));
  CHECK_STATUS(HJ_OK, hj_pending_count_wait(begun_count, NULL, NULL, error));
  hj_sign_in_attempt_free(attempt);
  hj_pending_sign_in_free(begun_sign_in);
  hj_pending_open_free(begun_open);
  hj_pending_count_free(begun_count);
  CHECK_STATUS(HJ_OK, hj_engine_close(engine, error));
  hj_rest_free(rest);
  hj_tenant_free(tenant);
  hj_engine_free(engine);
  CHECK_STATUS(HJ_OK, hj_engine_open(hj_str_of(path), &options, &engine, error));
  CHECK_STATUS(HJ_OK, hj_engine_tenant(engine, HJ_STR("tnt_a"), HJ_STR("sk_test_a_7Hq2Zk9Wm4Xc1Vb8Nt5R"), &tenant, error));
  CHECK_STATUS(HJ_OK, hj_tenant_verify_session(tenant, hj_str_of(hj_session_id(hj_grant_session(grant))), NULL, error));
  hj_tenant_free(tenant);
  hj_engine_free(engine);
  hj_grant_free(grant);
  return report();
}
