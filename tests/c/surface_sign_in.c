/* The sign-in of a host that checks credentials itself, of tests/scenarios/README.md. Every other one is begun, as on an event loop. */

#include "surface.h"

#include <string.h>

static hj_sign_in_attempt *begin(struct request *request, hj_str account, hj_str address, bool is_begun) {
  hj_sign_in_attempt *attempt = NULL;
  hj_pending_sign_in *sign_in = NULL;
  if (!is_begun) {
    request->status = hj_tenant_begin_sign_in(request->tenant, account, address, &attempt, &request->error);
    return attempt;
  }
  request->status = hj_tenant_begin_sign_in_attempt(request->tenant, account, address, &sign_in, &request->error);
  if (request->status == HJ_OK) {
    request->status = hj_pending_sign_in_wait(sign_in, &attempt, &request->error);
  }
  hj_pending_sign_in_free(sign_in);
  return attempt;
}

/* The answer of a change that was begun, if it was. */
static void settle(struct request *request, hj_pending_write *write, hj_grant **grant) {
  if (request->status == HJ_OK) {
    request->status = hj_pending_write_wait(write, grant, NULL, &request->error);
  }
  hj_pending_write_free(write);
}

static hj_grant *succeed(struct request *request, hj_sign_in_attempt *attempt, hj_str address, bool is_begun) {
  hj_str user_id = text_in(request, request->args, "user_id");
  hj_create_options options = hj_create_options_init();
  hj_pending_write *write = NULL;
  hj_grant *grant = NULL;
  options.ip_address = address;
  if (is_begun) {
    request->status = hj_sign_in_attempt_begin_succeed(attempt, user_id, &options, &write, &request->error);
    settle(request, write, &grant);
  } else {
    request->status = hj_sign_in_attempt_succeed(attempt, user_id, &options, &grant, &request->error);
  }
  return grant;
}

static void cancel(struct request *request, hj_sign_in_attempt *attempt, bool is_begun) {
  hj_pending_write *write = NULL;
  if (is_begun) {
    request->status = hj_sign_in_attempt_begin_cancel(attempt, &write, &request->error);
    settle(request, write, NULL);
  } else {
    request->status = hj_sign_in_attempt_cancel(attempt, &request->error);
  }
  if (request->status == HJ_OK) {
    request->status = HJ_ERR_INTERNAL;
  }
}

json_t *sign_in(struct request *request) {
  static unsigned made;
  const bool is_begun = made++ % 2 == 0;
  hj_str account = text_in(request, request->args, "account"), address = text_in(request, request->args, "ip_address");
  hj_str check = text_in(request, request->args, "check");
  hj_grant *grant = NULL;
  if (request->refused[0] != '\0') {
    return NULL;
  }
  hj_sign_in_attempt *attempt = begin(request, account, address, is_begun);
  if (attempt == NULL) {
    return NULL;
  }
  if (strncmp(check.ptr, "right", check.len) == 0) {
    grant = succeed(request, attempt, address, is_begun);
  } else if (strncmp(check.ptr, "wrong", check.len) == 0) {
    request->status = hj_sign_in_attempt_fail(attempt, &request->error);
  } else {
    cancel(request, attempt, is_begun);
  }
  hj_sign_in_attempt_free(attempt);
  return grant_json(grant);
}
