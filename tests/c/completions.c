/* Calls that are begun with a completion: told once, on a thread of the library; cancelled, closed and forked while pending. */

#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>

enum { CALLS = 200 };

static hj_engine *engine;
static hj_tenant *tenant;
static hj_str token, id;

struct told {
  atomic_int times;
  atomic_bool is_held; /* the completion waits for the test */
  atomic_bool is_inside;
  void (*then)(struct told *told);
  hj_pending_read *read;
};

static void complete(void *user_data) {
  struct told *told = user_data;
  told->is_inside = true;
  while (told->is_held) {
    usleep(100);
  }
  if (told->then != NULL) {
    told->then(told);
  }
  atomic_fetch_add(&told->times, 1); /* the last look at it */
}

static void await(struct told *told) {
  for (int i = 0; i < 100000 && atomic_load(&told->times) == 0; i++) {
    usleep(100);
  }
  CHECK(atomic_load(&told->times) == 1);
}

static hj_pending_read *begin_read(void) {
  hj_pending_read *read = NULL;
  CHECK_STATUS(HJ_OK, hj_tenant_begin_get(tenant, id, &read, error));
  return read;
}

static hj_pending_write *begin_create(void) {
  hj_pending_write *write = NULL;
  CHECK_STATUS(HJ_OK, hj_tenant_begin_create(tenant, HJ_STR("u"), NULL, &write, error));
  return write;
}

static void each_call_is_answered(void) {
  struct told told[9] = {0};
  hj_pending_read *read = NULL;
  hj_pending_write *write = NULL;
  hj_pending_response *pending = NULL;
  hj_grant *grant = NULL;
  hj_session *session = NULL;
  hj_claims *claims = NULL;
  hj_page *page = NULL;
  hj_rest *rest = NULL;
  hj_response *response = NULL;
  hj_error *failure = NULL;
  uint64_t ended = 0;
  hj_rest_request request = hj_rest_request_init();
  hj_required_auth required = hj_required_auth_init();

  CHECK_STATUS(HJ_OK, hj_tenant_begin_list(tenant, NULL, &read, error));
  CHECK_STATUS(HJ_OK, hj_pending_read_notify(read, complete, &told[0], error));
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_pending_read_notify(read, complete, &told[0], error));
  await(&told[0]);
  CHECK_STATUS(HJ_OK, hj_pending_read_wait(read, &session, &claims, &page, error));
  CHECK(hj_page_count(page) > 0 && session == NULL && claims == NULL);
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_pending_read_wait(read, NULL, NULL, NULL, error));
  hj_page_free(page);
  hj_pending_read_free(read);

  required.factors = HJ_STR("otp");
  CHECK_STATUS(HJ_OK, hj_tenant_begin_require_auth(tenant, token, &required, &read, error));
  CHECK_STATUS(HJ_OK, hj_pending_read_notify(read, complete, &told[1], error));
  await(&told[1]);
  CHECK(hj_pending_read_wait(read, &session, &claims, NULL, &failure) == HJ_ERR_REAUTHENTICATION_REQUIRED);
  CHECK(strcmp(hj_error_factors(failure), "otp") == 0 && hj_error_field(failure) == NULL);
  hj_error_free(failure);
  hj_pending_read_free(read);

  write = begin_create();
  CHECK_STATUS(HJ_OK, hj_pending_write_notify(write, complete, &told[2], error));
  await(&told[2]);
  CHECK_STATUS(HJ_OK, hj_pending_write_wait(write, &grant, &ended, error));
  CHECK(hj_grant_access_token(grant) != NULL && ended == 0);
  hj_pending_write_free(write);
  hj_str other = hj_str_of(hj_session_id(hj_grant_session(grant)));

  hj_grant *fresh = NULL;
  hj_str old = hj_str_of(hj_grant_refresh_token(grant));
  CHECK_STATUS(HJ_OK, hj_tenant_begin_refresh(tenant, old, NULL, &write, error));
  CHECK_STATUS(HJ_OK, hj_pending_write_notify(write, complete, &told[3], error));
  await(&told[3]);
  CHECK_STATUS(HJ_OK, hj_pending_write_wait(write, &fresh, NULL, error));
  CHECK(fresh != NULL && strcmp(hj_grant_refresh_token(fresh), old.ptr) != 0);
  hj_pending_write_free(write);
  CHECK_STATUS(HJ_OK, hj_tenant_begin_revoke(tenant, other, &write, error));
  CHECK_STATUS(HJ_OK, hj_pending_write_notify(write, complete, &told[4], error));
  await(&told[4]);
  CHECK_STATUS(HJ_OK, hj_pending_write_wait(write, NULL, NULL, error));
  hj_pending_write_free(write);
  CHECK_STATUS(HJ_OK, hj_tenant_begin_verify_access_token(tenant, hj_str_of(hj_grant_access_token(fresh)), &read, error));
  CHECK_STATUS(HJ_OK, hj_pending_read_notify(read, complete, &told[5], error));
  await(&told[5]);
  CHECK_STATUS(HJ_ERR_SESSION_REVOKED, hj_pending_read_wait(read, &session, &claims, NULL, error));
  CHECK(session != NULL && claims == NULL); /* the ended session */
  hj_session_free(session);
  hj_pending_read_free(read);
  hj_grant_free(fresh);
  hj_grant_free(grant);

  write = begin_create(); /* waited for without a completion */
  CHECK_STATUS(HJ_OK, hj_pending_write_wait(write, &grant, NULL, error));
  hj_pending_write_free(write);
  CHECK_STATUS(HJ_OK, hj_tenant_begin_sign_out(tenant, hj_str_of(hj_grant_access_token(grant)), HJ_STR("local"), &write, error));
  CHECK_STATUS(HJ_OK, hj_pending_write_notify(write, complete, &told[6], error));
  await(&told[6]);
  CHECK_STATUS(HJ_OK, hj_pending_write_wait(write, NULL, &ended, error));
  CHECK(ended == 1);
  hj_pending_write_free(write);
  hj_grant_free(grant);

  CHECK_STATUS(HJ_OK, hj_tenant_rest(tenant, NULL, &rest, error));
  request.method = HJ_STR("GET");
  request.target = HJ_STR("/.well-known/jwks.json");
  CHECK_STATUS(HJ_OK, hj_rest_begin_handle(rest, &request, &pending, error));
  hj_rest_free(rest);
  CHECK_STATUS(HJ_OK, hj_pending_response_notify(pending, complete, &told[7], error));
  await(&told[7]);
  CHECK_STATUS(HJ_OK, hj_pending_response_wait(pending, &response, error));
  CHECK(hj_response_status(response) == 200 && strstr(hj_response_body(response), "keys") != NULL);
  hj_response_free(response);
  hj_pending_response_free(pending);

  /* A host that waits at once gets the answer there, and its completion is called all the same. */
  read = begin_read();
  CHECK_STATUS(HJ_OK, hj_pending_read_notify(read, complete, &told[8], error));
  CHECK_STATUS(HJ_OK, hj_pending_read_wait(read, NULL, NULL, NULL, error));
  await(&told[8]);
  hj_pending_read_free(read);
}

static void many_are_told_once_each(void) {
  static struct told told[CALLS];
  static hj_pending_write *writes[CALLS];
  for (int i = 0; i < CALLS; i++) {
    writes[i] = begin_create();
    CHECK_STATUS(HJ_OK, hj_pending_write_notify(writes[i], complete, &told[i], error));
  }
  for (int i = 0; i < CALLS; i++) {
    hj_grant *grant = NULL;
    CHECK_STATUS(HJ_OK, hj_pending_write_wait(writes[i], &grant, NULL, error));
    CHECK(grant != NULL);
    hj_grant_free(grant);
    await(&told[i]);
    hj_pending_write_free(writes[i]);
  }
}

/* The memory of a completion may go as soon as its call is freed: the sanitizers see a later touch. */
static void freeing_withdraws(void) {
  for (int i = 0; i < CALLS; i++) {
    struct told *told = calloc(1, sizeof *told);
    hj_pending_read *read = begin_read();
    hj_pending_write *write = begin_create();
    CHECK_STATUS(HJ_OK, hj_pending_read_notify(read, complete, told, error));
    CHECK_STATUS(HJ_OK, hj_pending_write_notify(write, complete, told, error));
    if (i % 3 == 0) {
      usleep((useconds_t)(i * 5));
    }
    hj_pending_write_free(write);
    hj_pending_read_free(read);
    CHECK(atomic_load(&told->times) <= 2);
    free(told);
  }
}

static void *let_go(void *told) {
  usleep(50 * 1000);
  ((struct told *)told)->is_held = false;
  return NULL;
}

static void freeing_waits_for_a_running_completion(void) {
  struct told told = {.is_held = true};
  pthread_t other;
  hj_pending_read *read = begin_read();
  CHECK_STATUS(HJ_OK, hj_pending_read_notify(read, complete, &told, error));
  while (!told.is_inside) {
    usleep(100);
  }
  CHECK(pthread_create(&other, NULL, let_go, &told) == 0);
  hj_pending_read_free(read);
  CHECK(atomic_load(&told.times) == 1);
  pthread_join(other, NULL);
}

static void use_everything(struct told *told) {
  hj_grant *grant = NULL;
  hj_session *session = NULL;
  struct told inner = {0};
  hj_pending_read *other = begin_read();
  sigset_t mask;
  pthread_sigmask(SIG_BLOCK, NULL, &mask);
  CHECK(sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGUSR1) == 1);
  CHECK_STATUS(HJ_OK, hj_tenant_create(tenant, HJ_STR("inside"), NULL, &grant, error));
  CHECK_STATUS(HJ_OK, hj_pending_read_wait(told->read, &session, NULL, NULL, error));
  CHECK(strcmp(hj_session_id(session), id.ptr) == 0);
  CHECK_STATUS(HJ_OK, hj_pending_read_notify(other, complete, &inner, error));
  CHECK_STATUS(HJ_OK, hj_pending_read_wait(other, NULL, NULL, NULL, error));
  hj_pending_read_free(other);
  hj_session_free(session);
  hj_grant_free(grant);
  hj_pending_read_free(told->read); /* its own */
}

static void a_completion_may_call(void) {
  struct told told[8] = {0};
  for (int i = 0; i < 8; i++) { /* more than there are threads */
    told[i].then = use_everything;
    told[i].read = begin_read();
    CHECK_STATUS(HJ_OK, hj_pending_read_notify(told[i].read, complete, &told[i], error));
  }
  for (int i = 0; i < 8; i++) {
    await(&told[i]);
  }
}

static hj_engine *open_engine(const char *path, hj_tenant **opened) {
  hj_engine *opened_engine = NULL;
  CHECK_STATUS(HJ_OK, hj_engine_open(hj_str_of(path), NULL, &opened_engine, error));
  CHECK_STATUS(HJ_OK, hj_engine_tenant(opened_engine, HJ_STR("tnt_a"), HJ_STR("sk_test_a_7Hq2Zk9Wm4Xc1Vb8Nt5R"), opened, error));
  return opened_engine;
}

static void closing_answers_what_is_pending(void) {
  static struct told told[CALLS];
  static hj_pending_write *writes[CALLS];
  hj_tenant *closing = NULL;
  hj_engine *own = open_engine(scratch("completions-close"), &closing);
  int kept = 0, closed = 0;
  for (int i = 0; i < CALLS; i++) {
    told[i].times = 0;
    CHECK_STATUS(HJ_OK, hj_tenant_begin_create(closing, HJ_STR("u"), NULL, &writes[i], error));
    CHECK_STATUS(HJ_OK, hj_pending_write_notify(writes[i], complete, &told[i], error));
  }
  CHECK_STATUS(HJ_OK, hj_engine_close(own, error));
  hj_engine_free(own);
  hj_tenant_free(closing);
  for (int i = 0; i < CALLS; i++) {
    await(&told[i]);
    hj_status status = hj_pending_write_wait(writes[i], NULL, NULL, NULL);
    kept += status == HJ_OK;
    closed += status == HJ_ERR_ENGINE_CLOSED;
    hj_pending_write_free(writes[i]);
  }
  CHECK(kept + closed == CALLS);
  own = open_engine(scratch("completions-close"), &closing);
  uint64_t count = 0;
  CHECK_STATUS(HJ_OK, hj_tenant_count(closing, NULL, &count, error));
  CHECK(count == (uint64_t)kept); /* what was acknowledged, and nothing else */
  hj_tenant_free(closing);
  hj_engine_free(own);
}

static hj_engine *last_engine;
static hj_tenant *last_tenant;

static void free_all(struct told *told) {
  hj_pending_read_free(told->read);
  hj_tenant_free(last_tenant);
  hj_engine_free(last_engine);
}

static void a_completion_may_free_the_last_handle(void) {
  struct told told = {.then = free_all};
  last_engine = open_engine(scratch("completions-last"), &last_tenant);
  CHECK_STATUS(HJ_OK, hj_tenant_begin_list(last_tenant, NULL, &told.read, error));
  CHECK_STATUS(HJ_OK, hj_pending_read_notify(told.read, complete, &told, error));
  await(&told);
  usleep(20 * 1000); /* its thread ends by itself */
}

static void a_forked_child_is_told_nothing(void) {
  struct told told = {0};
  hj_pending_read *plain = begin_read(), *notified = begin_read();
  int status = -1;
  CHECK_STATUS(HJ_OK, hj_pending_read_notify(notified, complete, &told, error));
#ifdef __SANITIZE_ADDRESS__
  await(&told); /* the sanitizer's own allocator may be locked by another thread at a fork, and stays locked in the child */
  usleep(20 * 1000);
#endif
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    alarm(60);
    check_failures = 0;
    atomic_int before = atomic_load(&told.times);
    CHECK_STATUS(HJ_ERR_FORKED, hj_pending_read_notify(plain, complete, &told, error));
    CHECK_STATUS(HJ_ERR_FORKED, hj_pending_read_wait(plain, NULL, NULL, NULL, error));
    CHECK_STATUS(HJ_ERR_FORKED, hj_pending_read_wait(notified, NULL, NULL, NULL, error));
    usleep(20 * 1000);
    CHECK(atomic_load(&told.times) == before);
    hj_pending_read_free(plain);
    hj_pending_read_free(notified);
    hj_tenant_free(tenant);
    hj_engine_free(engine);
    execl("/bin/sh", "sh", "-c", check_failures == 0 ? "exit 0" : "exit 1", (char *)NULL);
  }
  CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  await(&told);
  CHECK_STATUS(HJ_OK, hj_pending_read_wait(plain, NULL, NULL, NULL, error));
  hj_pending_read_free(plain);
  hj_pending_read_free(notified);
}

/* A read of a file does not wait for a writer; a change on the same handle waits as always. */
static void a_non_blocking_handle_reads(void) {
  hj_tenant *non_blocking = NULL;
  hj_session *session = NULL;
  hj_grant *grant = NULL;
  CHECK_STATUS(HJ_OK, hj_tenant_non_blocking(tenant, &non_blocking, error));
  CHECK(strcmp(hj_tenant_id(non_blocking), "tnt_a") == 0);
  hj_status status = HJ_ERR_STORAGE_BUSY;
  for (int i = 0; i < 100 && status == HJ_ERR_STORAGE_BUSY; i++) { /* a reader may be lent out */
    status = hj_tenant_get(non_blocking, id, &session, NULL);
  }
  CHECK(status == HJ_OK && strcmp(hj_session_id(session), id.ptr) == 0);
  CHECK_STATUS(HJ_OK, hj_tenant_create(non_blocking, HJ_STR("u"), NULL, &grant, error));
  hj_grant_free(grant);
  hj_session_free(session);
  hj_tenant_free(non_blocking);
}

static void descriptors_are_closed_by_exec(void) {
  int open_ones = 0;
  for (int fd = 3; fd < 256; fd++) {
    char link[64], path[512] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, path, sizeof path - 1) > 0 && strstr(path, "completions") != NULL) {
      CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
      open_ones++;
    }
  }
  CHECK(open_ones > 0);
}

/* What the contract says that a call needs. */
static void *use_a_small_stack(void *unused) {
  (void)unused;
  hj_tenant *own_tenant = NULL;
  hj_engine *own = open_engine(scratch("completions-stack"), &own_tenant);
  hj_grant *grant = NULL;
  hj_page *page = NULL;
  hj_rest *rest = NULL;
  hj_response *response = NULL;
  hj_rest_request request = hj_rest_request_init();
  CHECK_STATUS(HJ_OK, hj_tenant_create(own_tenant, HJ_STR("u"), NULL, &grant, error));
  CHECK_STATUS(HJ_OK, hj_tenant_verify_access_token(own_tenant, hj_str_of(hj_grant_access_token(grant)), NULL, NULL, error));
  CHECK_STATUS(HJ_OK, hj_tenant_list(own_tenant, NULL, &page, error));
  CHECK_STATUS(HJ_OK, hj_tenant_rest(own_tenant, NULL, &rest, error));
  request.method = HJ_STR("GET");
  request.target = HJ_STR("/v1/sessions");
  CHECK_STATUS(HJ_OK, hj_rest_handle(rest, &request, &response, error));
  hj_response_free(response);
  hj_rest_free(rest);
  hj_page_free(page);
  hj_grant_free(grant);
  hj_tenant_free(own_tenant);
  hj_engine_free(own);
  return NULL;
}

static void a_small_stack_is_enough(void) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  CHECK(pthread_attr_setstacksize(&attributes, 256 * 1024) == 0);
  CHECK(pthread_create(&thread, &attributes, use_a_small_stack, NULL) == 0 && pthread_join(thread, NULL) == 0);
  pthread_attr_destroy(&attributes);
}

int main(void) {
  hj_open_options options = hj_open_options_init();
  hj_grant *grant = NULL;
  sigset_t before, after;
  options.busy_timeout_ms = 60000; /* valgrind is slow */
  pthread_sigmask(SIG_BLOCK, NULL, &before);
  CHECK_STATUS(HJ_OK, hj_engine_open(hj_str_of(scratch("completions")), &options, &engine, error));
  pthread_sigmask(SIG_BLOCK, NULL, &after);
  CHECK(sigismember(&before, SIGTERM) == sigismember(&after, SIGTERM));
  CHECK_STATUS(HJ_OK, hj_engine_tenant(engine, HJ_STR("tnt_a"), HJ_STR("sk_test_a_7Hq2Zk9Wm4Xc1Vb8Nt5R"), &tenant, error));
  CHECK_STATUS(HJ_OK, hj_tenant_create(tenant, HJ_STR("u"), NULL, &grant, error));
  token = hj_str_of(hj_grant_access_token(grant));
  id = hj_str_of(hj_session_id(hj_grant_session(grant)));

  each_call_is_answered();
  many_are_told_once_each();
  freeing_withdraws();
  freeing_waits_for_a_running_completion();
  a_completion_may_call();
  closing_answers_what_is_pending();
  a_completion_may_free_the_last_handle();
  a_forked_child_is_told_nothing();
  a_non_blocking_handle_reads();
  descriptors_are_closed_by_exec();
  a_small_stack_is_enough();

  hj_grant_free(grant);
  hj_tenant_free(tenant);
  hj_engine_free(engine);
  return report();
}
