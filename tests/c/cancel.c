/* Threads that are cancelled in the middle of calls: each call is carried out or not begun, and the engine goes on. */

#include "check.h"

#include <hellojohn.h>
#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 40 };

static hj_engine *engine;
static hj_tenant *tenant;
static atomic_uint acknowledged;
static atomic_uint returned;

/* Signs users in until it is cancelled; every call is followed by a cancellation point. */
static void *sign_in(void *unused) {
  (void)unused;
  for (;;) {
    hj_grant *grant = NULL;
    int state = 0;
    if (hj_tenant_create(tenant, HJ_STR("u"), NULL, &grant, NULL) == HJ_OK) {
      atomic_fetch_add(&acknowledged, 1);
    }
    hj_grant_free(grant);
    /* The calls have left the state of the thread as it was. */
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    if (state == PTHREAD_CANCEL_ENABLE) {
      atomic_fetch_add(&returned, 1);
    }
    pthread_testcancel();
  }
  return NULL;
}

/* A thread that has cancellation switched off keeps it so. */
static void *keep_disabled(void *unused) {
  int state = 0;
  (void)unused;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
  CHECK_STATUS(HJ_OK, hj_tenant_sweep(tenant, NULL, error));
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
  CHECK(state == PTHREAD_CANCEL_DISABLE);
  return NULL;
}

int main(void) {
  hj_stats *stats = NULL;
  pthread_t threads[THREADS], other;
  CHECK_STATUS(HJ_OK, hj_engine_open(hj_str_of(scratch("cancel")), NULL, &engine, error));
  CHECK_STATUS(HJ_OK, hj_engine_tenant(engine, HJ_STR("tnt_a"), HJ_STR("sk_test_a_7Hq2Zk9Wm4Xc1Vb8Nt5R"), &tenant, error));
  for (int i = 0; i < THREADS; i++) {
    CHECK(pthread_create(&threads[i], NULL, sign_in, NULL) == 0);
  }
  /* Each one is cancelled at another moment: between, inside and before calls. */
  for (int i = 0; i < THREADS; i++) {
    void *result = NULL;
    unsigned seen = atomic_load(&returned);
    while (i % 2 == 0 && atomic_load(&returned) == seen) {
    }
    CHECK(pthread_cancel(threads[i]) == 0);
    CHECK(pthread_join(threads[i], &result) == 0 && result == PTHREAD_CANCELED);
  }
  CHECK(pthread_create(&other, NULL, keep_disabled, NULL) == 0 && pthread_join(other, NULL) == 0);
  CHECK_STATUS(HJ_OK, hj_tenant_stats(tenant, &stats, error));
  CHECK(atomic_load(&acknowledged) > 0 && hj_stats_active(stats) == atomic_load(&acknowledged));
  hj_stats_free(stats);
  hj_tenant_free(tenant);
  hj_engine_free(engine);
  return report();
}
