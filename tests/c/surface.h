/* What the two halves of the C surface share. */
#ifndef SURFACE_H
#define SURFACE_H

#include <hellojohn.h>
#include <jansson.h>

/* One line at work. */
typedef struct {
  hj_tenant *tenant;
  json_t *args;
  hj_status status;
  hj_error *error;
  char refused[160]; /* why C cannot pass these arguments at all; empty if it can */
  char digits[64];   /* a duration that came as a number */
} call;

typedef struct {
  const char *name;
  const char *takes; /* names of arguments, each between spaces */
  json_t *(*run)(call *c);
} operation;

const operation *find_operation(const char *name);

/* What a language user would see for a value that C has no type for. */
void refuse(call *c, const char *field, const char *problem);
bool takes_only(call *c, const char *names);

/* A view of a JSON string; not given for anything else. */
hj_str view_of(const json_t *value);

#endif
