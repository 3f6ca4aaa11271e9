/* import, of tests/scenarios/README.md. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "surface.h"

/* Writes the rows to a file: texts as they are, everything else as JSON. */
static void write_rows(const char *path, json_t *rows) {
  FILE *file = fopen(path, "w");
  size_t index;
  json_t *row;
  if (file == NULL) {
    abort();
  }
  json_array_foreach(rows, index, row) {
    if (json_is_string(row)) {
      fwrite(json_string_value(row), 1, json_string_length(row), file);
    } else {
      json_dumpf(row, file, JSON_COMPACT);
    }
    fputc('\n', file);
  }
  if (fclose(file) != 0) {
    abort();
  }
}

static void note_rows(void *context, uint64_t rows) { *(uint64_t *)context = rows; }

json_t *import_rows(struct request *request) {
  hj_import_options options = hj_import_options_init();
  hj_import_report *report = NULL;
  uint64_t told = 0;
  json_t *answer;
  json_t *problems = json_array();
  char path[64];
  snprintf(path, sizeof path, "/tmp/hellojohn_import_%ld.jsonl", (long)getpid());
  write_rows(path, json_object_get(request->args, "rows"));
  options.dry_run = json_is_true(json_object_get(request->args, "dry_run"));
  options.stop_at_bad_row = json_is_true(json_object_get(request->args, "stop_at_bad_row"));
  options.progress = note_rows;
  options.progress_context = &told;
  request->status = hj_tenant_import(request->tenant, hj_str_of(path), &options, &report, &request->error);
  remove(path);
  if (report == NULL) {
    json_decref(problems);
    return NULL;
  }
  if (told != hj_import_report_rows(report)) {
    refuse(request, "progress", "was not told of every row");
  }
  for (size_t index = 0; index < hj_import_report_count(report); index++) {
    json_array_append_new(problems, json_pack("{s:I, s:s}", "line", (json_int_t)hj_import_report_line(report, index),
                                              "detail", hj_import_report_detail(report, index)));
  }
  answer = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "rows", (json_int_t)hj_import_report_rows(report),
                     "imported", (json_int_t)hj_import_report_imported(report), "already_imported",
                     (json_int_t)hj_import_report_already_imported(report), "expired",
                     (json_int_t)hj_import_report_expired(report), "over_limits",
                     (json_int_t)hj_import_report_over_limits(report), "bad_rows",
                     (json_int_t)hj_import_report_bad_rows(report), "problems", problems);
  hj_import_report_free(report);
  return answer;
}
