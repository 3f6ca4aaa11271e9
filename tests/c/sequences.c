/* Sequences of calls that no one thought of: random calls on two tenants, objects that are freed in any order and long after
 * their engine, calls that are begun and waited for late, freed unanswered or never looked at, and an engine that is closed in
 * between. Every answer that the sequence determines is checked. HJ_SEQUENCES=n tries n sequences, HJ_SEED=n from that number on. */

#include "check.h"

#include <string.h>

enum { CALLS = 120, SESSIONS = 24, KEPT = 16, BEGUN = 8, TENANTS = 2, HANDLES = 3 };

static uint64_t seed;

static unsigned below(unsigned n) { /* SplitMix64 */
  uint64_t z = (seed += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (unsigned)((z ^ (z >> 31)) % n);
}

/* What the program knows of a session. One with a change that was begun and not waited for is unsure: nothing is expected. */
struct known {
  int tenant;
  bool is_ended, is_unsure;
  char id[64];
  char *access, *refresh, *former;
};

/* An object that the library handed out, and what it said when it was new. */
struct kept {
  hj_grant *grant;
  hj_page *page;
  hj_session *session;
  hj_claims *claims;
  hj_error *error;
  char *said;
};

/* A call that was begun: about this session, or none. */
struct begun {
  hj_pending_read *read;
  hj_pending_write *write;
  hj_pending_count *count;
  hj_pending_sign_in *sign_in;
  hj_pending_open *opening;
};

static hj_engine *engine;
static hj_tenant *tenants[TENANTS][HANDLES];
static struct known sessions[SESSIONS];
static struct kept kept[KEPT];
static struct begun begun[BEGUN];
static bool is_closed;

static char *copy(const char *text) {
  CHECK(text != NULL);
  char *copied = strdup(text ? text : "");
  if (copied == NULL) abort();
  return copied;
}

/* Every object still says what it said, then it is freed. */
static void let_go(struct kept *object) {
  const char *says = object->grant     ? hj_session_id(hj_grant_session(object->grant))
                     : object->session ? hj_session_id(object->session)
                     : object->claims  ? hj_claims_user_id(object->claims)
                     : object->error   ? hj_error_detail(object->error)
                     : object->page && hj_page_count(object->page) > 0
                         ? hj_session_id(hj_page_session(object->page, hj_page_count(object->page) - 1))
                         : NULL;
  CHECK((says == NULL) == (object->said == NULL));
  if (says != NULL && object->said != NULL) CHECK(strcmp(says, object->said) == 0);
  hj_grant_free(object->grant);
  hj_page_free(object->page);
  hj_session_free(object->session);
  hj_claims_free(object->claims);
  hj_error_free(object->error);
  free(object->said);
  memset(object, 0, sizeof *object);
}

static void keep(struct kept object, const char *says) {
  struct kept *place = &kept[below(KEPT)];
  let_go(place);
  *place = object;
  place->said = says ? copy(says) : NULL;
}

/* What a call came to; its error is kept for a while. Once the engine is closed there is one answer only. */
static bool is(hj_status expected, hj_status status, hj_error *error) {
  if (is_closed) expected = HJ_ERR_ENGINE_CLOSED;
  CHECK(status == hj_error_status(error));
  CHECK(status == expected);
  if (error != NULL) keep((struct kept){.error = error}, hj_error_detail(error));
  return status == HJ_OK;
}

static hj_tenant *handle(int tenant) { return tenants[tenant][below(HANDLES)]; }

static void learn_tokens(struct known *session, const hj_grant *grant) {
  free(session->access);
  free(session->former);
  session->former = session->refresh;
  session->access = copy(hj_grant_access_token(grant));
  session->refresh = copy(hj_grant_refresh_token(grant));
}

static void forget(struct known *session) {
  free(session->access);
  free(session->refresh);
  free(session->former);
  memset(session, 0, sizeof *session);
}

/* Some session that is known, or NULL. */
static struct known *pick(void) {
  struct known *session = &sessions[below(SESSIONS)];
  return session->access ? session : NULL;
}

static void create(void) {
  int tenant = (int)below(TENANTS);
  char user[16];
  snprintf(user, sizeof user, "usr_%u", below(4));
  hj_create_options options = hj_create_options_init();
  options.user_agent = HJ_STR("Mozilla/5.0");
  hj_grant *grant = NULL;
  hj_error *error = NULL;
  hj_status status = hj_tenant_create(handle(tenant), hj_str_of(user), below(2) ? &options : NULL, &grant, &error);
  if (!is(HJ_OK, status, error)) return;
  struct known *session = &sessions[below(SESSIONS)];
  forget(session);
  session->tenant = tenant;
  snprintf(session->id, sizeof session->id, "%s", hj_session_id(hj_grant_session(grant)));
  learn_tokens(session, grant);
  keep((struct kept){.grant = grant}, session->id);
}

static hj_status alive(const struct known *session) { return session->is_ended ? HJ_ERR_SESSION_REVOKED : HJ_OK; }

static void verify(struct known *session) {
  hj_session *found = NULL;
  hj_claims *claims = NULL;
  hj_error *error = NULL;
  if (below(4) == 0) { /* the other tenant's */
    hj_status status =
        hj_tenant_verify_access_token(handle(1 - session->tenant), hj_str_of(session->access), &found, &claims, &error);
    is(HJ_ERR_INVALID_TOKEN, status, error);
    CHECK(found == NULL && claims == NULL);
    return;
  }
  hj_status status = hj_tenant_verify_access_token(handle(session->tenant), hj_str_of(session->access), &found, &claims, &error);
  if (is(session->is_unsure ? status : alive(session), status, error)) CHECK(found != NULL && claims != NULL);
  if (found != NULL) {
    CHECK(strcmp(hj_session_id(found), session->id) == 0);
    keep((struct kept){.session = found}, session->id);
  }
  if (claims != NULL) keep((struct kept){.claims = claims}, hj_claims_user_id(claims));
}

static void refresh(struct known *session) {
  hj_grant *grant = NULL;
  hj_error *error = NULL;
  bool is_replay = session->former != NULL && below(3) == 0;
  const char *token = is_replay ? session->former : session->refresh;
  hj_status status = hj_tenant_refresh(handle(session->tenant), hj_str_of(token), NULL, &grant, &error);
  if (session->is_unsure) is_replay = false;
  if (!is(session->is_unsure ? status : alive(session), status, error)) return;
  if (is_replay) CHECK(strcmp(hj_grant_refresh_token(grant), session->refresh) == 0);
  else learn_tokens(session, grant);
  keep((struct kept){.grant = grant}, session->id);
}

static void end(struct known *session) {
  hj_error *error = NULL;
  hj_status status = hj_tenant_revoke(handle(session->tenant), hj_str_of(session->id), &error);
  if (is(HJ_OK, status, error)) {
    session->is_ended = true;
    session->is_unsure = false;
  }
}

static void list(void) {
  hj_page *page = NULL;
  hj_error *error = NULL;
  hj_list_options options = hj_list_options_init();
  options.limit = (int64_t)below(5) + 1;
  hj_status status = hj_tenant_list(handle((int)below(TENANTS)), &options, &page, &error);
  if (!is(HJ_OK, status, error)) return;
  size_t count = hj_page_count(page);
  CHECK(hj_page_session(page, count) == NULL);
  keep((struct kept){.page = page}, count ? hj_session_id(hj_page_session(page, count - 1)) : NULL);
}

static void garbage(void) {
  static const char *const texts[] = {"", "rt_", "a.b.c", "\xff\xfe", "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV", "key"};
  hj_str text = hj_str_of(texts[below(6)]);
  hj_grant *grant = NULL;
  hj_session *session = NULL;
  hj_error *error = NULL;
  hj_tenant *tenant = handle((int)below(TENANTS));
  hj_status status = below(2) ? hj_tenant_refresh(tenant, text, NULL, &grant, &error)
                              : hj_tenant_get(tenant, text, &session, &error);
  CHECK(status != HJ_OK && status != HJ_ERR_INTERNAL && grant == NULL && session == NULL);
  hj_error_free(error);
}

/* Now or begun, or none; the change may be cancelled by freeing it. */
static void give_outcome(hj_sign_in_attempt *attempt) {
  hj_pending_write *write = NULL;
  hj_grant *grant = NULL;
  hj_error *error = NULL, *late = NULL;
  hj_status status = HJ_OK;
  switch (below(5)) {
    case 0: status = hj_sign_in_attempt_succeed(attempt, HJ_STR("usr_signs_in"), NULL, &grant, &error); break;
    case 1: status = hj_sign_in_attempt_begin_succeed(attempt, HJ_STR("usr_signs_in"), NULL, &write, &error); break;
    case 2: status = hj_sign_in_attempt_begin_cancel(attempt, &write, &error); break;
    case 3: status = hj_sign_in_attempt_fail(attempt, &error); break;
  }
  if (below(2)) { /* what was begun outlives the attempt */
    hj_sign_in_attempt_free(attempt);
    attempt = NULL;
  }
  if (write && below(3)) CHECK(hj_pending_write_wait(write, &grant, NULL, &late) != HJ_ERR_INTERNAL);
  CHECK(status == hj_error_status(error) && status != HJ_ERR_INTERNAL && status != HJ_ERR_VALIDATION_ERROR);
  hj_pending_write_free(write);
  hj_sign_in_attempt_free(attempt);
  hj_grant_free(grant);
  hj_error_free(error);
  hj_error_free(late);
}

static void settle(struct begun *call) {
  hj_session *session = NULL;
  hj_claims *claims = NULL;
  hj_page *page = NULL;
  hj_grant *grant = NULL;
  hj_error *error = NULL;
  hj_sign_in_attempt *attempt = NULL;
  hj_tenant *opened = NULL;
  uint64_t ended = 0;
  hj_status status = HJ_OK;
  bool is_waited_for = below(3) != 0;
  if (is_waited_for && call->read) status = hj_pending_read_wait(call->read, &session, &claims, &page, &error);
  if (is_waited_for && call->write) status = hj_pending_write_wait(call->write, &grant, &ended, &error);
  if (is_waited_for && call->count) status = hj_pending_count_wait(call->count, &ended, NULL, &error);
  if (is_waited_for && call->sign_in) status = hj_pending_sign_in_wait(call->sign_in, &attempt, &error);
  if (is_waited_for && call->opening) status = hj_pending_open_wait(call->opening, NULL, below(2) ? &opened : NULL, &error);
  if (attempt) give_outcome(attempt);
  hj_tenant_free(opened);
  CHECK(status == hj_error_status(error) && status != HJ_ERR_INTERNAL && status != HJ_ERR_VALIDATION_ERROR);
  if (is_waited_for && call->read && below(4) == 0) { /* once only */
    hj_error *again = NULL;
    CHECK(hj_pending_read_wait(call->read, NULL, NULL, NULL, &again) == HJ_ERR_VALIDATION_ERROR);
    hj_error_free(again);
  }
  hj_pending_read_free(call->read);
  hj_pending_write_free(call->write);
  hj_pending_count_free(call->count);
  hj_pending_sign_in_free(call->sign_in);
  hj_pending_open_free(call->opening);
  memset(call, 0, sizeof *call);
  if (session) keep((struct kept){.session = session}, hj_session_id(session));
  if (claims) keep((struct kept){.claims = claims}, hj_claims_user_id(claims));
  if (grant) keep((struct kept){.grant = grant}, hj_session_id(hj_grant_session(grant)));
  hj_page_free(page);
  hj_error_free(error);
}

static void completed(void *user_data) { (void)user_data; }

static void begin(void) {
  struct begun *call = &begun[below(BEGUN)];
  settle(call);
  struct known *session = pick();
  hj_tenant *tenant = handle(session ? session->tenant : 0);
  hj_str id = hj_str_of(session ? session->id : "ses_none");
  hj_error *error = NULL;
  hj_status status;
  hj_session_filter filter = hj_session_filter_init();
  filter.role = HJ_STR("no session has it");
  hj_str secret = HJ_STR("sk_test_sequences_5f0e93ab71c2d846");
  switch (below(10)) {
    case 4: status = hj_tenant_begin_count(tenant, below(2) ? &filter : NULL, &call->count, &error); break;
    case 5: status = hj_tenant_begin_preview_revoke_where(tenant, &filter, &call->count, &error); break;
    case 6: status = hj_tenant_begin_revoke_where(tenant, &filter, NULL, &call->write, &error); break;
    case 7: status = hj_tenant_begin_revoke_user(tenant, HJ_STR("usr_begun"), hj_str_view(NULL, 0), &call->write, &error); break;
    case 8: status = hj_tenant_begin_sign_in_attempt(tenant, HJ_STR("ada"), hj_str_view(NULL, 0), &call->sign_in, &error); break;
    case 9: status = hj_engine_begin_tenant(engine, HJ_STR("tnt_b"), secret, &call->opening, &error); break;
    case 0: status = hj_tenant_begin_create(tenant, HJ_STR("usr_begun"), NULL, &call->write, &error); break;
    case 1: status = hj_tenant_begin_get(tenant, id, &call->read, &error); break;
    case 2: status = hj_tenant_begin_verify_session(tenant, id, &call->read, &error); break;
    default:
      status = hj_tenant_begin_revoke(tenant, id, &call->write, &error);
      if (session) session->is_unsure = !session->is_ended;
  }
  CHECK(status == hj_error_status(error) && status != HJ_ERR_INTERNAL);
  hj_error_free(error);
  error = NULL;
  if (below(4) == 0 && call->read) CHECK(hj_pending_read_notify(call->read, completed, NULL, &error) != HJ_ERR_INTERNAL);
  if (below(4) == 0 && call->write) CHECK(hj_pending_write_notify(call->write, completed, NULL, &error) != HJ_ERR_INTERNAL);
  if (below(2) && call->count) CHECK(hj_pending_count_notify(call->count, completed, NULL, &error) == HJ_OK);
  if (below(2) && call->sign_in) CHECK(hj_pending_sign_in_notify(call->sign_in, completed, NULL, &error) == HJ_OK);
  if (below(2) && call->opening) CHECK(hj_pending_open_notify(call->opening, completed, NULL, &error) == HJ_OK);
  hj_error_free(error);
}

static void call(void) {
  unsigned choice = below(100);
  struct known *session = pick();
  if (choice < 25) create();
  else if (choice < 40 && session) verify(session);
  else if (choice < 55 && session) refresh(session);
  else if (choice < 65 && session) end(session);
  else if (choice < 75) list();
  else if (choice < 80) garbage();
  else if (choice < 97) begin();
  else if (choice == 97 && below(4) == 0) {
    CHECK_STATUS(HJ_OK, hj_engine_close(engine, error));
    is_closed = true;
  } else let_go(&kept[below(KEPT)]);
}

static void sequence(void) {
  bool is_file = below(3) == 0;
  is_closed = false;
  hj_str database = is_file ? hj_str_of(scratch("sequences")) : HJ_STR(":memory:");
  CHECK_STATUS(HJ_OK, hj_engine_open(database, NULL, &engine, error));
  for (int tenant = 0; tenant < TENANTS; tenant++) {
    hj_str id = tenant ? HJ_STR("tnt_b") : HJ_STR("tnt_a");
    hj_str secret = HJ_STR("sk_test_sequences_5f0e93ab71c2d846");
    CHECK_STATUS(HJ_OK, hj_engine_tenant(engine, id, secret, &tenants[tenant][0], error));
    CHECK_STATUS(HJ_OK, hj_tenant_with_actor(tenants[tenant][0], HJ_STR("admin:ada"), &tenants[tenant][1], error));
    CHECK_STATUS(HJ_OK, hj_tenant_with_actor(tenants[tenant][0], HJ_STR("admin:bob"), &tenants[tenant][2], error));
  }
  for (int made = 0; made < CALLS; made++) call();
  /* Three kinds of handles go in any order; what was begun and what was handed out outlives some or all of them. */
  for (unsigned first = below(3), step = 0; step < 3; step++) {
    unsigned kind = (first + step) % 3;
    if (kind == 0) hj_engine_free(engine);
    for (int tenant = 0; kind == 1 && tenant < TENANTS; tenant++)
      for (int number = 0; number < HANDLES; number++) hj_tenant_free(tenants[tenant][number]);
    for (int number = 0; kind == 2 && number < BEGUN; number++) settle(&begun[number]);
  }
  for (int number = 0; number < KEPT; number++) let_go(&kept[number]);
  for (int number = 0; number < SESSIONS; number++) forget(&sessions[number]);
}

int main(void) {
  const char *count = getenv("HJ_SEQUENCES"), *from = getenv("HJ_SEED");
  uint64_t first = from ? strtoull(from, NULL, 10) : 0;
  for (uint64_t number = first; number < first + (count ? strtoull(count, NULL, 10) : 30); number++) {
    seed = number;
    int failed_before = check_failures;
    sequence();
    if (check_failures > failed_before) {
      fprintf(stderr, "HJ_SEQUENCES=1 HJ_SEED=%llu repeats it\n", (unsigned long long)number);
      break;
    }
  }
  return report();
}
