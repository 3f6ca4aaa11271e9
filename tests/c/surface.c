/* The C surface: speaks the protocol of tests/README.md over the public header. surface_operations.c has the
 * operations. */

#include "surface.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hj_clock *the_clock;
static hj_engine *the_engine;
static char *the_path;

const char *database_path(void) { return the_path; }

/* Handles by tenant id and secret key. They outlive a close, so that they show what a closed engine answers. */
static struct {
  char *id;
  char *key;
  hj_tenant *tenant;
} *handles;
static size_t handle_count;

static void forget_engine(void) {
  for (size_t i = 0; i < handle_count; i++) {
    hj_tenant_free(handles[i].tenant);
    free(handles[i].id);
    free(handles[i].key);
  }
  free(handles);
  handles = NULL;
  handle_count = 0;
  hj_engine_free(the_engine);
  the_engine = NULL;
}

static hj_status open_engine(json_t *line, hj_error **error) {
  hj_open_options options = hj_open_options_init();
  int64_t now = (int64_t)json_integer_value(json_object_get(line, "clock"));
  hj_status status = HJ_OK;
  forget_engine();
  if (the_clock == NULL) {
    status = hj_clock_new(now, &the_clock, error);
  }
  if (status != HJ_OK) {
    return status;
  }
  hj_clock_set(the_clock, now);
  options.clock = the_clock;
  free(the_path);
  the_path = strdup(json_string_value(json_object_get(line, "open")));
  return hj_engine_open(view_of(json_object_get(line, "open")), &options, &the_engine, error);
}

/* Finds a handle under its new secret key from now on. */
static void rename_handle(const hj_tenant *tenant, const json_t *key) {
  for (size_t i = 0; i < handle_count; i++) {
    if (handles[i].tenant == tenant) {
      free(handles[i].key);
      handles[i].key = strdup(json_string_value(key));
    }
  }
}

static hj_status find_tenant(json_t *line, hj_tenant **tenant, hj_error **error) {
  json_t *id = json_object_get(line, "tenant_id");
  json_t *key = json_object_get(line, "secret_key");
  hj_status status;
  for (size_t i = 0; i < handle_count; i++) {
    if (json_is_string(id) && json_is_string(key) && strcmp(handles[i].id, json_string_value(id)) == 0 &&
        strcmp(handles[i].key, json_string_value(key)) == 0) {
      *tenant = handles[i].tenant;
      return HJ_OK;
    }
  }
  status = hj_engine_tenant(the_engine, view_of(id), view_of(key), tenant, error);
  if (status == HJ_OK) {
    handles = realloc(handles, (handle_count + 1) * sizeof *handles);
    if (handles == NULL) {
      abort();
    }
    handles[handle_count].id = strdup(json_string_value(id));
    handles[handle_count].key = strdup(json_string_value(key));
    handles[handle_count].tenant = *tenant;
    handle_count++;
  }
  return status;
}

/* Runs the line; its answer, or NULL if `request` holds a refusal. */
static json_t *run(json_t *line, struct request *request) {
  const char *name = json_string_value(json_object_get(line, "op"));
  const json_t *actor = json_object_get(line, "actor");
  const operation *op;
  hj_tenant *own, *acting = NULL;
  json_t *answer;
  if (json_object_get(line, "open") != NULL) {
    request->status = open_engine(line, &request->error);
    return request->status == HJ_OK ? json_object() : NULL;
  }
  if (name == NULL) {
    hj_clock_set(the_clock, (int64_t)json_integer_value(json_object_get(line, "clock")));
    return json_object();
  }
  request->args = json_object_get(line, "args");
  if (strcmp(name, "close") == 0) {
    request->status = hj_engine_close(the_engine, &request->error);
    return request->status == HJ_OK ? json_object() : NULL;
  }
  if (strcmp(name, "lower_clock_mark") == 0) {
    request->status = hj_engine_lower_clock_mark(the_engine, &request->error);
    return request->status == HJ_OK ? json_object() : NULL;
  }
  if (strcmp(name, "restore_database") == 0 &&
      strcmp(json_string_value(json_object_get(request->args, "policy")), "replay_events") == 0) {
    return restore_with_events(the_path, request);
  }
  if (strcmp(name, "backup_database") == 0 || strcmp(name, "restore_database") == 0) {
    char backup[4096];
    json_t *policy = json_object_get(request->args, "policy");
    snprintf(backup, sizeof backup, "%s.backup", the_path);
    request->status =
        name[0] == 'b'
            ? hj_backup_database(hj_str_of(the_path), hj_str_of(backup), NULL, NULL, &request->error)
            : hj_restore_database(hj_str_of(backup), hj_str_of(the_path), view_of(policy), &request->error);
    return request->status == HJ_OK ? json_object() : NULL;
  }
  if (strcmp(name, "copy_database") == 0) {
    char copy[4096];
    snprintf(copy, sizeof copy, "%s.backup", the_path);
    return copy_database(hj_str_of(the_path), copy, request);
  }
  if (strcmp(name, "lower_lease") == 0) {
    uint64_t longest_ms = (uint64_t)json_integer_value(json_object_get(request->args, "longest_ms"));
    uint64_t wait_ms = 0;
    request->status = hj_lower_lease(hj_str_of(the_path), longest_ms, &wait_ms, &request->error);
    return request->status == HJ_OK ? json_pack("{s:I}", "wait_ms", (json_int_t)wait_ms) : NULL;
  }
  if (strcmp(name, "check_database") == 0) {
    return check_database(hj_str_of(the_path), request);
  }
  op = find_operation(name);
  if (op == NULL) {
    refuse(request, "op", "is unknown to this surface");
    return NULL;
  }
  if (!takes_only(request, op->takes)) {
    return NULL;
  }
  request->status = find_tenant(line, &request->tenant, &request->error);
  if (request->status != HJ_OK) {
    return NULL;
  }
  own = request->tenant;
  if (actor != NULL) {
    request->status = hj_tenant_with_actor(own, view_of(actor), &acting, &request->error);
    if (request->status != HJ_OK) {
      return NULL;
    }
    request->tenant = acting;
  }
  answer = op->run(request);
  request->tenant = own;
  hj_tenant_free(acting);
  if (answer != NULL && strcmp(name, "change_secret_key") == 0) {
    rename_handle(request->tenant, json_object_get(request->args, "new_secret_key"));
  }
  return answer;
}

static json_t *refusal(const struct request *request) {
  if (request->refused[0] != '\0') {
    return json_pack("{s:{s:s, s:s}}", "error", "code", "validation_error", "detail", request->refused);
  }
  /* A check of credentials that fails is the host's own failure, without an error of the library. */
  return json_pack("{s:{s:s, s:s}}", "error", "code", hj_status_name(request->status), "detail",
                   request->error == NULL ? "" : hj_error_detail(request->error));
}

int main(void) {
  char *text = NULL;
  size_t room = 0;
  ssize_t length;
  while ((length = getline(&text, &room, stdin)) > 0) {
    struct request request;
    json_t *answer = NULL;
    json_t *line = json_loadb(text, (size_t)length, JSON_ALLOW_NUL, NULL);
    memset(&request, 0, sizeof request);
    if (line == NULL) {
      refuse(&request, "line", "holds a value that C cannot pass");
    } else {
      answer = run(line, &request);
    }
    answer = answer != NULL ? json_pack("{s:o}", "ok", answer) : refusal(&request);
    json_dumpf(answer, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(answer);
    json_decref(line);
    hj_error_free(request.error);
  }
  free(text);
  forget_engine();
  free(the_path);
  hj_clock_free(the_clock);
  return 0;
}
