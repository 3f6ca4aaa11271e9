/* What the files of the surface share. */
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
json_t *copy_database(hj_str path, const char *to, struct request *request);

const operation *find_operation(const char *name);

/* Refuses a value that C has no type for, with the error of a language that has one. */
void refuse(struct request *request, const char *field, const char *problem);
bool takes_only(struct request *request, const char *names);

/* The operations that take a filter, and the names of its members. */
#define FILTER_NAMES                                                                                        \
  " user_id status country not_country ip_address not_ip_address device_type user_agent org_id role "       \
  "created_after created_before last_active_after last_active_before mfa_verified end_reason "
json_t *list_sessions(struct request *request);
json_t *count_sessions(struct request *request);
json_t *revoke_sessions_where(struct request *request);

json_t *explain_session(struct request *request);
json_t *sign_in(struct request *request);

/* Factors. The text of a list of names, written into `buffer`. */
hj_str factors_in(struct request *request, char *buffer, size_t size);
json_t *factors_json(const hj_session *session);
void actor_in(struct request *request, hj_create_options *options);
json_t *actor_json(const char *user_id, const char *reason);
json_t *require_auth(struct request *request);

/* The operations on events. */
json_t *list_events(struct request *request);
json_t *seal_events(struct request *request);
json_t *check_events(struct request *request);
json_t *export_events(struct request *request);
json_t *restore_with_events(const char *database, struct request *request);

/* The path of the database that is open, or was. */
const char *database_path(void);

json_t *list_keys(struct request *request);
json_t *count_by_status(struct request *request);
json_t *count_over_time(struct request *request);
json_t *import_rows(struct request *request);

/* A text of these arguments; a whole number, or `absent`. */
hj_str text_in(struct request *request, json_t *args, const char *name);
hj_str duration(struct request *request, const char *name);
int64_t whole(struct request *request, const char *name, int64_t least, int64_t absent);

/* Answers as JSON. */
json_t *string(const char *value);
json_t *parsed(const char *json);
json_t *session_json(const hj_session *session);
json_t *grant_json(hj_grant *grant); /* which it frees */
json_t *count_json(const struct request *request, const char *name, uint64_t count);

/* A view of a JSON string; not given for anything else. */
hj_str view_of(const json_t *value);

#endif
