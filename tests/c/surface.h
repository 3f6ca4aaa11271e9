/* What surface.c and surface_operations.c share. */
#ifndef SURFACE_H
#define SURFACE_H

#include <hellojohn.h>
#include <jansson.h>

/* One line of the protocol, and what became of it. */
struct request {
  hj_tenant *tenant;
  json_t *args;
  hj_status status;
  hj_error *error;
  char refused[160]; /* why C cannot pass these arguments; empty if it can */
  char digits[64];   /* a duration that came as a number */
};

typedef struct {
  const char *name;
  const char *takes; /* names of arguments, each between spaces */
  json_t *(*run)(struct request *request);
} operation;

/* What a check of the database file at this path found. */
json_t *check_database(hj_str path, struct request *request);

const operation *find_operation(const char *name);

/* Refuses a value that C has no type for, with the error of a language that has one. */
void refuse(struct request *request, const char *field, const char *problem);
bool takes_only(struct request *request, const char *names);

/* A view of a JSON string; not given for anything else. */
hj_str view_of(const json_t *value);

#endif
