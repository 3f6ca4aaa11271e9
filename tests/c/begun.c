/* Everything that a host on an event loop does, begun and never waited for on its own thread: it opens the database and the tenant,
 * begins and ends sign-ins, counts, previews and ends many sessions. Each call has a completion that wakes the loop, which then takes
 * the answer. Freeing any of them early costs no wait. */

#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define KEY HJ_STR("sk_test_begun_4f1c7e90ab35d286")

enum { SESSIONS = 12, EARLY = 30 };

static const hj_str absent = {NULL, 0};
static hj_engine *engine;
static hj_tenant *tenant;
static atomic_int told; /* how many completions have been called */
static atomic_bool is_told_on_the_loop;
static pthread_t loop;

static void complete(void *user_data) {
  (void)user_data;
  if (pthread_equal(pthread_self(), loop)) is_told_on_the_loop = true;
  atomic_fetch_add(&told, 1);
}

/* Turns the loop until one more completion has been called. */
static void turn(void) {
  for (int i = 0; i < 300000 && atomic_load(&told) == 0; i++) {
    usleep(100);
  }
  CHECK(atomic_exchange(&told, 0) == 1);
}

static hj_engine *open_engine(const char *database, const hj_open_options *options) {
  hj_pending_open *opening = NULL;
  hj_engine *opened = NULL;
  hj_tenant *none = (hj_tenant *)&none;
  CHECK_STATUS(HJ_OK, hj_engine_begin_open(hj_str_of(database), options, &opening, error));
  CHECK_STATUS(HJ_OK, hj_pending_open_notify(opening, complete, NULL, error));
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_pending_open_notify(opening, complete, NULL, error));
  turn();
  CHECK_STATUS(HJ_OK, hj_pending_open_wait(opening, &opened, &none, error));
  CHECK(opened != NULL && none == NULL);
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_pending_open_wait(opening, NULL, NULL, error)); /* once only */
  hj_pending_open_free(opening);
  return opened;
}

static hj_tenant *open_tenant(hj_engine *on, hj_str key, hj_status expected) {
  hj_pending_open *opening = NULL;
  hj_engine *none = (hj_engine *)&none;
  hj_tenant *opened = NULL;
  CHECK_STATUS(HJ_OK, hj_engine_begin_tenant(on, HJ_STR("tnt_a"), key, &opening, error));
  CHECK_STATUS(HJ_OK, hj_pending_open_notify(opening, complete, NULL, error));
  turn();
  CHECK_STATUS(expected, hj_pending_open_wait(opening, &none, &opened, error));
  CHECK((opened != NULL) == (expected == HJ_OK) && none == NULL);
  hj_pending_open_free(opening);
  return opened;
}

static hj_sign_in_attempt *begin_sign_in(hj_tenant *on, hj_status expected) {
  hj_pending_sign_in *sign_in = NULL;
  hj_sign_in_attempt *attempt = NULL;
  CHECK_STATUS(HJ_OK, hj_tenant_begin_sign_in_attempt(on, HJ_STR("ada"), HJ_STR("203.0.113.42"), &sign_in, error));
  CHECK_STATUS(HJ_OK, hj_pending_sign_in_notify(sign_in, complete, NULL, error));
  turn();
  CHECK_STATUS(expected, hj_pending_sign_in_wait(sign_in, &attempt, error));
  CHECK((attempt != NULL) == (expected == HJ_OK));
  hj_pending_sign_in_free(sign_in);
  return attempt;
}

static uint64_t settle(hj_pending_write *write, hj_grant **grant) {
  uint64_t ended = 77;
  CHECK_STATUS(HJ_OK, hj_pending_write_notify(write, complete, NULL, error));
  turn();
  CHECK_STATUS(HJ_OK, hj_pending_write_wait(write, grant, &ended, error));
  hj_pending_write_free(write);
  return ended;
}

static uint64_t count(const hj_session_filter *filter) {
  hj_pending_count *counting = NULL;
  hj_revoke_preview *none = (hj_revoke_preview *)&none;
  uint64_t found = 77;
  CHECK_STATUS(HJ_OK, hj_tenant_begin_count(tenant, filter, &counting, error));
  CHECK_STATUS(HJ_OK, hj_pending_count_notify(counting, complete, NULL, error));
  turn();
  CHECK_STATUS(HJ_OK, hj_pending_count_wait(counting, &found, &none, error));
  CHECK(none == NULL);
  hj_pending_count_free(counting);
  return found;
}

static void a_refused_opening_says_why(void) {
  hj_pending_open *opening = NULL;
  hj_engine *opened = (hj_engine *)&opened;
  CHECK_STATUS(HJ_OK, hj_engine_begin_open(HJ_STR("/nowhere/at/all.db"), NULL, &opening, error));
  CHECK_STATUS(HJ_ERR_STORAGE_IO, hj_pending_open_wait(opening, &opened, NULL, error)); /* on this thread */
  CHECK(opened == NULL);
  hj_pending_open_free(opening);
  CHECK(open_tenant(engine, HJ_STR("sk_test_another_4f1c7e90ab35d286"), HJ_ERR_INVALID_API_KEY) == NULL);
}

static void a_sign_in_has_each_outcome(void) {
  hj_pending_write *write = NULL;
  hj_grant *grant = NULL;
  hj_create_options device = hj_create_options_init();
  device.user_agent = HJ_STR("begun/1");
  hj_sign_in_attempt *attempt = begin_sign_in(tenant, HJ_OK);
  CHECK_STATUS(HJ_OK, hj_sign_in_attempt_begin_succeed(attempt, HJ_STR("usr_ada"), &device, &write, error));
  hj_pending_write_free(write); /* cancelled: it counts as failed until the right one below */
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_sign_in_attempt_begin_cancel(attempt, &write, error)); /* it has its outcome */
  CHECK(write == NULL);
  hj_sign_in_attempt_free(attempt);
  attempt = begin_sign_in(tenant, HJ_OK);
  CHECK_STATUS(HJ_OK, hj_sign_in_attempt_begin_succeed(attempt, HJ_STR("usr_ada"), &device, &write, error));
  hj_sign_in_attempt_free(attempt); /* the change outlives it */
  CHECK(settle(write, &grant) == 0);
  CHECK(strcmp(hj_session_user_agent(hj_grant_session(grant)), "begun/1") == 0);
  hj_grant_free(grant);

  /* Ten failures are allowed; those that were cancelled or right do not count, those that were left without an outcome do. */
  for (int i = 0; i < 20; i++) {
    attempt = begin_sign_in(tenant, HJ_OK);
    CHECK_STATUS(HJ_OK, hj_sign_in_attempt_begin_cancel(attempt, &write, error));
    hj_sign_in_attempt_free(attempt);
    settle(write, NULL);
  }
  for (int i = 0; i < 9; i++) {
    attempt = begin_sign_in(tenant, HJ_OK);
    CHECK_STATUS(HJ_ERR_INVALID_CREDENTIALS, hj_sign_in_attempt_fail(attempt, error));
    hj_sign_in_attempt_free(attempt);
  }
  hj_sign_in_attempt_free(begin_sign_in(tenant, HJ_OK));
  CHECK(begin_sign_in(tenant, HJ_ERR_TOO_MANY_REQUESTS) == NULL);
}

static void create_sessions(void) {
  for (int i = 0; i < SESSIONS; i++) {
    hj_create_options options = hj_create_options_init();
    hj_pending_write *write = NULL;
    hj_grant *grant = NULL;
    char user[16];
    snprintf(user, sizeof user, "usr_%d", i % 3);
    options.role = i % 2 ? HJ_STR("editor") : HJ_STR("reader");
    CHECK_STATUS(HJ_OK, hj_tenant_begin_create(tenant, hj_str_of(user), &options, &write, error));
    settle(write, &grant);
    hj_grant_free(grant);
  }
}

/* 12 sessions of three users, half of them editors, beside the one of usr_ada. */
static void many_sessions_are_counted_shown_and_ended(void) {
  hj_session_filter editors = hj_session_filter_init(), wrong = hj_session_filter_init();
  hj_revoke_where_options planned = hj_revoke_where_options_init();
  hj_revoke_preview *preview = NULL;
  hj_pending_count *counting = NULL;
  hj_pending_write *write = NULL;
  uint64_t found = 77;
  create_sessions();
  editors.role = HJ_STR("editor");
  CHECK(count(NULL) == SESSIONS + 1 && count(&editors) == SESSIONS / 2);

  CHECK_STATUS(HJ_OK, hj_tenant_begin_preview_revoke_where(tenant, &editors, &counting, error));
  CHECK_STATUS(HJ_OK, hj_pending_count_notify(counting, complete, NULL, error));
  turn();
  CHECK_STATUS(HJ_OK, hj_pending_count_wait(counting, &found, &preview, error));
  CHECK(found == SESSIONS / 2 && hj_revoke_preview_count(preview) == found);
  hj_pending_count_free(counting);
  planned.plan = hj_str_of(hj_revoke_preview_plan(preview));
  CHECK_STATUS(HJ_OK, hj_tenant_begin_revoke_where(tenant, &editors, &planned, &write, error));
  hj_revoke_preview_free(preview); /* the plan was read */
  CHECK(settle(write, NULL) == SESSIONS / 2);
  CHECK(count(NULL) == SESSIONS / 2 + 1);

  CHECK_STATUS(HJ_OK, hj_tenant_begin_revoke_where(tenant, &wrong, NULL, &write, error)); /* it says nothing */
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_pending_write_wait(write, NULL, NULL, error));
  hj_pending_write_free(write);
  CHECK_STATUS(HJ_OK, hj_tenant_begin_preview_revoke_where(tenant, &wrong, &counting, error));
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_pending_count_wait(counting, NULL, NULL, error));
  hj_pending_count_free(counting);

  CHECK_STATUS(HJ_OK, hj_tenant_begin_revoke_user(tenant, HJ_STR("usr_0"), absent, &write, error));
  CHECK(settle(write, NULL) == 2);
  CHECK_STATUS(HJ_OK, hj_tenant_begin_revoke_user(tenant, HJ_STR("usr_1"), HJ_STR("ses_01ARZ3NDEKTSV4RRFFQ69G5FAV"), &write, error));
  CHECK_STATUS(HJ_ERR_SESSION_NOT_FOUND, hj_pending_write_wait(write, NULL, NULL, error));
  hj_pending_write_free(write);
  CHECK_STATUS(HJ_OK, hj_tenant_begin_revoke_tenant(tenant, &write, error));
  CHECK(settle(write, NULL) == SESSIONS / 2 - 2 + 1);
  CHECK(count(NULL) == 0);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static atomic_int freed;

static void count_free(void *user_data) { atomic_fetch_add((atomic_int *)user_data, 1); }

static void observe(void *user_data, const hj_operation_report *report) {
  (void)user_data;
  (void)report;
}

/* Openings that are freed before, while and after they run: each observer's data come back once, and no engine stays open. */
static void freeing_an_opening_does_not_wait_and_loses_nothing(void) {
  char path[600];
  hj_open_options options = hj_open_options_init();
  hj_pending_open *opening = NULL;
  hj_engine *opened = NULL;
  snprintf(path, sizeof path, "%s-early", scratch("begun"));
  options.observer = observe;
  options.observer_data = &freed;
  options.observer_free = count_free;
  for (int i = 0; i < EARLY; i++) {
    CHECK_STATUS(HJ_OK, hj_engine_begin_open(hj_str_of(path), &options, &opening, error));
    if (i % 3 > 0) {
      CHECK_STATUS(HJ_OK, hj_pending_open_notify(opening, complete, NULL, error));
      usleep((useconds_t)(i * 300));
    }
    hj_pending_open_free(opening);
  }
  CHECK_STATUS(HJ_OK, hj_engine_begin_open(HJ_STR("/nowhere/at/all.db"), &options, &opening, error));
  CHECK_STATUS(HJ_ERR_STORAGE_IO, hj_pending_open_wait(opening, NULL, NULL, error));
  hj_pending_open_free(opening);
  CHECK_STATUS(HJ_OK, hj_engine_begin_open(hj_str_of(path), &options, &opening, error));
  CHECK_STATUS(HJ_OK, hj_pending_open_wait(opening, NULL, NULL, error)); /* not taken: closed at once */
  hj_pending_open_free(opening);
  options.durability = 9;
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_engine_begin_open(hj_str_of(path), &options, &opening, error));
  for (int i = 0; i < 100000 && atomic_load(&freed) < EARLY + 2; i++) {
    usleep(100);
  }
  CHECK(atomic_load(&freed) == EARLY + 2); /* the one that was refused kept its data */
  atomic_store(&told, 0);
  opened = open_engine(path, NULL);
  hj_engine_free(opened);
}

/* Another process keeps the file locked, so that opening it takes as long as `busy_timeout_ms`. */
static void freeing_a_slow_opening_does_not_wait(void) {
  struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0x40000000, .l_len = 512}; /* SQLite's locks */
  hj_open_options options = hj_open_options_init();
  hj_pending_open *opening = NULL;
  int ready[2], status = -1;
  char path[600], byte = 0;
  snprintf(path, sizeof path, "%s-slow", scratch("begun"));
  hj_engine_free(open_engine(path, NULL));
  CHECK(pipe(ready) == 0);
  pid_t pid = fork();
  if (pid == 0) {
    int file = open(path, O_RDWR);
    byte = file >= 0 && fcntl(file, F_SETLK, &all) == 0;
    if (write(ready[1], &byte, 1) == 1) pause();
    _exit(1);
  }
  CHECK(read(ready[0], &byte, 1) == 1 && byte == 1);
  options.busy_timeout_ms = 3000;
  options.observer = observe;
  options.observer_data = &freed;
  options.observer_free = count_free;
  atomic_store(&freed, 0);
  double before = seconds();
  CHECK_STATUS(HJ_OK, hj_engine_begin_open(hj_str_of(path), &options, &opening, error));
  CHECK_STATUS(HJ_OK, hj_pending_open_notify(opening, complete, NULL, error));
  usleep(100 * 1000); /* a thread is at it */
  hj_pending_open_free(opening);
  CHECK(atomic_load(&freed) == 0); /* it still is */
  while (atomic_load(&freed) == 0) {
    usleep(1000);
  }
  CHECK(seconds() - before > 2.9);
  CHECK(atomic_load(&told) == 0);
  kill(pid, SIGKILL);
  CHECK(waitpid(pid, &status, 0) == pid);
  close(ready[0]);
  close(ready[1]);
  usleep(20 * 1000); /* the thread ends by itself */
}

/* A thread of the library is held in an observer of the opening's tenant: freeing what was begun does not wait for it. */
static atomic_bool is_held, is_inside;

static void hold(void *user_data, const hj_operation_report *report) {
  (void)user_data;
  if (strcmp(hj_operation_report_operation(report), "count") == 0 ||
      strcmp(hj_operation_report_operation(report), "open_tenant") == 0) {
    is_inside = true;
    while (is_held) {
      usleep(100);
    }
  }
}

static void freeing_a_running_call_does_not_wait(void) {
  hj_open_options options = hj_open_options_init();
  hj_pending_open *opening = NULL;
  hj_pending_count *counting = NULL;
  options.observer = hold;
  hj_engine *own = open_engine(":memory:", &options);
  for (int kind = 0; kind < 2; kind++) {
    hj_tenant *own_tenant = NULL;
    is_held = false;
    CHECK_STATUS(HJ_OK, hj_engine_tenant(own, HJ_STR("tnt_a"), KEY, &own_tenant, error));
    is_inside = false;
    is_held = true;
    if (kind == 0) {
      CHECK_STATUS(HJ_OK, hj_engine_begin_tenant(own, HJ_STR("tnt_a"), KEY, &opening, error));
      CHECK_STATUS(HJ_OK, hj_pending_open_notify(opening, complete, NULL, error));
    } else {
      CHECK_STATUS(HJ_OK, hj_tenant_begin_count(own_tenant, NULL, &counting, error));
      CHECK_STATUS(HJ_OK, hj_pending_count_notify(counting, complete, NULL, error));
    }
    while (!is_inside) {
      usleep(100);
    }
    double before = seconds();
    if (kind == 0) hj_pending_open_free(opening);
    else hj_pending_count_free(counting);
    CHECK(seconds() - before < 5); /* it would wait for ever */
    is_held = false;
    hj_tenant_free(own_tenant);
  }
  hj_engine_free(own);
  CHECK(atomic_load(&told) == 0); /* both completions were withdrawn */
}

/* What was begun on an engine that closes is answered; a fork before any opening leaves the child free to open. */
static void closed_and_forked(void) {
  hj_engine *own = open_engine(":memory:", NULL);
  hj_tenant *own_tenant = open_tenant(own, KEY, HJ_OK);
  hj_pending_open *opening = NULL;
  hj_pending_sign_in *sign_in = NULL;
  hj_pending_write *write = NULL;
  hj_pending_count *counting = NULL;
  int status = -1;
  CHECK_STATUS(HJ_OK, hj_engine_begin_tenant(own, HJ_STR("tnt_b"), KEY, &opening, error));
  CHECK_STATUS(HJ_OK, hj_tenant_begin_sign_in_attempt(own_tenant, HJ_STR("ada"), absent, &sign_in, error));
  CHECK_STATUS(HJ_OK, hj_tenant_begin_revoke_tenant(own_tenant, &write, error));
  CHECK_STATUS(HJ_OK, hj_tenant_begin_count(own_tenant, NULL, &counting, error));
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    hj_pending_open *child = NULL;
    hj_sign_in_attempt *attempt = NULL;
    alarm(60);
    check_failures = 0;
    CHECK_STATUS(HJ_ERR_FORKED, hj_pending_open_wait(opening, NULL, NULL, error));
    CHECK_STATUS(HJ_ERR_FORKED, hj_pending_open_notify(opening, complete, NULL, error));
    CHECK_STATUS(HJ_ERR_FORKED, hj_pending_sign_in_wait(sign_in, &attempt, error));
    CHECK_STATUS(HJ_ERR_FORKED, hj_pending_sign_in_notify(sign_in, complete, NULL, error));
    CHECK_STATUS(HJ_ERR_FORKED, hj_pending_write_wait(write, NULL, NULL, error));
    CHECK_STATUS(HJ_ERR_FORKED, hj_pending_count_wait(counting, NULL, NULL, error));
    CHECK_STATUS(HJ_ERR_FORKED, hj_pending_count_notify(counting, complete, NULL, error));
    CHECK_STATUS(HJ_OK, hj_engine_begin_open(HJ_STR(":memory:"), NULL, &child, error));
    CHECK_STATUS(HJ_ERR_FORKED, hj_pending_open_wait(child, NULL, NULL, error));
    hj_pending_open_free(child);
    hj_pending_open_free(opening);
    hj_pending_sign_in_free(sign_in);
    hj_pending_write_free(write);
    hj_pending_count_free(counting);
    execl("/bin/sh", "sh", "-c", check_failures == 0 ? "exit 0" : "exit 1", (char *)NULL);
  }
  CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK_STATUS(HJ_OK, hj_engine_close(own, error));
  hj_engine_free(own);
  hj_tenant_free(own_tenant);
  hj_sign_in_attempt *attempt = NULL;
  CHECK_STATUS(HJ_ERR_ENGINE_CLOSED, hj_pending_open_wait(opening, NULL, NULL, error));
  CHECK_STATUS(HJ_ERR_ENGINE_CLOSED, hj_pending_sign_in_wait(sign_in, &attempt, error));
  CHECK_STATUS(HJ_ERR_ENGINE_CLOSED, hj_pending_write_wait(write, NULL, NULL, error));
  CHECK_STATUS(HJ_ERR_ENGINE_CLOSED, hj_pending_count_wait(counting, NULL, NULL, error));
  hj_pending_open_free(opening);
  hj_pending_sign_in_free(sign_in);
  hj_pending_write_free(write);
  hj_pending_count_free(counting);
}

/* The library has done nothing in this process but to note a call: a child may carry it out. Once a thread has started, it may not. */
static void a_fork_is_noticed_from_the_first_thread_on(void) {
  for (int has_thread = 0; has_thread < 2; has_thread++) {
    hj_pending_open *opening = NULL;
    int status = -1;
    CHECK_STATUS(HJ_OK, hj_engine_begin_open(HJ_STR(":memory:"), NULL, &opening, error));
#ifdef __SANITIZE_ADDRESS__
    if (has_thread) { /* the sanitizer's own allocator may be locked by the thread at the fork */
      CHECK_STATUS(HJ_OK, hj_pending_open_notify(opening, complete, NULL, error));
      turn();
      usleep(20 * 1000);
    }
#else
    if (has_thread) CHECK_STATUS(HJ_OK, hj_pending_open_notify(opening, complete, NULL, error));
#endif
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
      alarm(60);
      check_failures = 0;
      CHECK_STATUS(has_thread ? HJ_ERR_FORKED : HJ_OK, hj_pending_open_wait(opening, NULL, NULL, error));
      hj_pending_open_free(opening);
      execl("/bin/sh", "sh", "-c", check_failures == 0 ? "exit 0" : "exit 1", (char *)NULL);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    hj_pending_open_free(opening);
  }
  usleep(20 * 1000); /* the thread of the second may have been told before it was freed */
  atomic_store(&told, 0);
}

int main(void) {
  hj_open_options options = hj_open_options_init();
  loop = pthread_self();
  a_fork_is_noticed_from_the_first_thread_on(); /* before the library is used */
  options.busy_timeout_ms = 60000;              /* valgrind is slow */
  engine = open_engine(scratch("begun"), &options);
  tenant = open_tenant(engine, KEY, HJ_OK);

  a_refused_opening_says_why();
  a_sign_in_has_each_outcome();
  many_sessions_are_counted_shown_and_ended();
  freeing_an_opening_does_not_wait_and_loses_nothing();
  freeing_a_slow_opening_does_not_wait();
  freeing_a_running_call_does_not_wait();
  closed_and_forked();
  CHECK(!is_told_on_the_loop);

  hj_tenant_free(tenant);
  hj_engine_free(engine);
  return report();
}
