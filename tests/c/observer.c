/* The observer: told after each operation, on the thread of the call, and freed once when nothing can tell it any more. */

#include "check.h"

#include <pthread.h>
#include <string.h>

enum { TOLD_MAX = 16 };

struct told {
  char operation[32], tenant_id[32];
  hj_status status;
  uint64_t duration_ns, rows;
  bool is_from_cache;
  pthread_t thread;
};

struct host {
  hj_tenant *tenant;
  struct told told[TOLD_MAX];
  int count, freed;
};

static void copy(char *to, size_t size, const char *text) { snprintf(to, size, "%s", text != NULL ? text : "NULL"); }

static void observe(void *user_data, const hj_operation_report *report) {
  struct host *host = user_data;
  struct told *told = &host->told[host->count < TOLD_MAX ? host->count : TOLD_MAX - 1];
  host->count++;
  copy(told->operation, sizeof told->operation, hj_operation_report_operation(report));
  copy(told->tenant_id, sizeof told->tenant_id, hj_operation_report_tenant_id(report));
  told->status = hj_operation_report_status(report);
  told->duration_ns = hj_operation_report_duration_ns(report);
  told->rows = hj_operation_report_rows(report);
  told->is_from_cache = hj_operation_report_is_from_cache(report);
  told->thread = pthread_self();
  if (strcmp(told->operation, "create") == 0) {
    /* May use the engine, and is not told of that. */
    uint64_t count = 0;
    CHECK_STATUS(HJ_OK, hj_tenant_count(host->tenant, NULL, &count, error));
    CHECK(count == 1);
  }
}

static void free_host(void *user_data) { ((struct host *)user_data)->freed++; }

static void check(const struct told *told, const char *operation, const char *tenant_id, hj_status status, uint64_t rows) {
  CHECK(strcmp(told->operation, operation) == 0);
  CHECK(strcmp(told->tenant_id, tenant_id) == 0);
  CHECK(told->status == status && told->rows == rows && !told->is_from_cache);
  CHECK(pthread_equal(told->thread, pthread_self()));
}

int main(void) {
  struct host host = {0};
  hj_open_options options = hj_open_options_init();
  hj_engine *engine = NULL;
  hj_grant *grant = NULL;
  options.observer = observe;
  options.observer_data = &host;
  options.observer_free = free_host;

  /* The data stay the host's where the engine does not open, whatever the reason. */
  CHECK_STATUS(HJ_ERR_STORAGE_IO, hj_engine_open(HJ_STR("/nowhere/at/all.db"), &options, &engine, error));
  options.durability = 7;
  CHECK_STATUS(HJ_ERR_VALIDATION_ERROR, hj_engine_open(HJ_STR(":memory:"), &options, &engine, error));
  options.durability = HJ_DURABILITY_FULL;
  CHECK(host.freed == 0 && host.count == 0);

  CHECK_STATUS(HJ_OK, hj_engine_open(HJ_STR(":memory:"), &options, &engine, error));
  CHECK_STATUS(HJ_OK, hj_engine_tenant(engine, HJ_STR("tnt_acme"), HJ_STR("sk_live_Vq3nT8kLx0cJ5wRzE7uYbA"), &host.tenant,
                                       error));
  CHECK_STATUS(HJ_OK, hj_tenant_create(host.tenant, HJ_STR("usr_1"), NULL, &grant, error));
  hj_grant_free(grant);
  CHECK_STATUS(HJ_ERR_REFRESH_TOKEN_INVALID, hj_tenant_refresh(host.tenant, HJ_STR("none"), NULL, &grant, error));
  CHECK_STATUS(HJ_OK, hj_engine_close(engine, error));
  CHECK(host.count == 4);
  check(&host.told[0], "open_tenant", "tnt_acme", HJ_OK, 1);
  check(&host.told[1], "create", "tnt_acme", HJ_OK, 1);
  CHECK(host.told[1].duration_ns > 0);
  check(&host.told[2], "refresh", "tnt_acme", HJ_ERR_REFRESH_TOKEN_INVALID, 0);
  check(&host.told[3], "close", "NULL", HJ_OK, 0);

  /* A tenant outlives its engine, and so does the observer. */
  hj_engine_free(engine);
  CHECK(host.freed == 0);
  CHECK_STATUS(HJ_ERR_ENGINE_CLOSED, hj_tenant_sweep(host.tenant, &(uint64_t){0}, error));
  check(&host.told[4], "sweep", "tnt_acme", HJ_ERR_ENGINE_CLOSED, 0);
  hj_tenant_free(host.tenant);
  CHECK(host.freed == 1 && host.count == 5);

  CHECK(hj_operation_report_operation(NULL) == NULL && hj_operation_report_tenant_id(NULL) == NULL);
  CHECK(hj_operation_report_status(NULL) == HJ_OK && hj_operation_report_duration_ns(NULL) == 0);
  CHECK(hj_operation_report_rows(NULL) == 0 && !hj_operation_report_is_from_cache(NULL));
  return report();
}
