/* Checks that are counted: every program ends with `return report();`. */
#ifndef CHECK_H
#define CHECK_H

#include <hellojohn.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int check_count, check_failures;

#define CHECK(condition)                                               \
  do {                                                                 \
    check_count++;                                                     \
    if (!(condition)) {                                                \
      check_failures++;                                                \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);  \
    }                                                                  \
  } while (0)

/* The call returns this status, and the error that it hands out has the same one. */
#define CHECK_STATUS(expected, call)                                                                    \
  do {                                                                                                  \
    hj_error *check_error = NULL;                                                                       \
    hj_error **error = &check_error;                                                                    \
    hj_status check_status = (call);                                                                    \
    check_count++;                                                                                      \
    if (check_status != (expected) || hj_error_status(check_error) != check_status ||                   \
        (check_error == NULL) != (check_status == HJ_OK)) {                                             \
      check_failures++;                                                                                 \
      fprintf(stderr, "%s:%d: %s: %s (%s)\n", __FILE__, __LINE__, #call, hj_status_name(check_status),  \
              hj_error_detail(check_error) ? hj_error_detail(check_error) : "no detail");               \
    }                                                                                                   \
    hj_error_free(check_error);                                                                         \
  } while (0)

static inline int report(void) {
  printf("%d checks, %d failed\n", check_count, check_failures);
  return check_failures == 0 ? 0 : 1;
}

/* A database path in the folder that tests/c/run made for this run. */
static inline const char *scratch(const char *name) {
  static char path[512];
  const char *folder = getenv("HJ_SCRATCH");
  snprintf(path, sizeof path, "%s/%s-%ld.db", folder ? folder : "/tmp", name, (long)getpid());
  return path;
}

#endif
