// The C++ owners: every method once, and what happens when something fails.

#include <hellojohn.hpp>

#include "check.h"

#include <condition_variable>
#include <mutex>
#include <vector>

namespace hj = hellojohn;

template <class Call> static hj_status thrown_by(Call call) {
  try {
    call();
  } catch (const hj::error &error) {
    CHECK(*error.what() != '\0' && error.name() != nullptr);
    return error.status();
  }
  return HJ_OK;
}

/// Waits until completions have been called as often as asked for.
class counter {
public:
  void count() {
    const std::lock_guard<std::mutex> lock(mutex_);
    count_++;
    changed_.notify_all();
  }
  void wait_for(int wanted) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return count_ >= wanted; });
    CHECK(count_ == wanted);
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

/// Calls that are begun, with completions and without; cancelled and destroyed by their own completion.
static void check_begun_calls(hj::tenant &tenant) {
  counter told;
  hj::pending_write created = tenant.begin_create("usr_begun");
  created.notify([&] { told.count(); });
  told.wait_for(1);
  hj::grant grant = created.wait_grant();
  const std::string id(hj::view(hj_session_id(hj_grant_session(grant.get()))));
  CHECK(thrown_by([&] { created.notify([] {}); }) == HJ_ERR_VALIDATION_ERROR);
  CHECK(thrown_by([&] { created.wait_grant(); }) == HJ_ERR_VALIDATION_ERROR);

  hj_update_options editor = hj_update_options_init();
  editor.role = HJ_STR("editor");
  hj::pending_write updated = tenant.begin_update(id, &editor);
  updated.notify([&] {
    told.count();
    throw std::runtime_error("a bug of the host");
  });
  told.wait_for(2);
  CHECK(hj::view(hj_session_role(hj_grant_session(updated.wait_grant().get()))) == "editor");
  hj::grant fresh = tenant.begin_refresh(hj_grant_refresh_token(grant.get())).wait_grant();
  CHECK(thrown_by([&] { tenant.begin_adopt("unknown").wait_grant(); }) == HJ_ERR_REFRESH_TOKEN_INVALID);

  hj_required_auth required = hj_required_auth_init();
  required.factors = HJ_STR("otp,pwd");
  required.max_age = HJ_STR("5m");
  hj::pending_read verified = tenant.begin_require_auth(hj_grant_access_token(fresh.get()), required);
  verified.notify([&] { told.count(); });
  told.wait_for(3);
  const hj::verification refused = verified.wait_verification();
  CHECK(!refused && refused.status == HJ_ERR_REAUTHENTICATION_REQUIRED && refused.failure->max_age_s() == 300);
  CHECK(refused.failure->factors() == "otp,pwd" && *refused.failure->what() != '\0');

  CHECK(tenant.begin_sign_out(hj_grant_access_token(fresh.get())).wait_count() == 1);
  hj_session_filter editors = hj_session_filter_init();
  editors.role = HJ_STR("editor");
  CHECK(tenant.begin_count().wait_count() == 0 && tenant.begin_count(&editors).wait_count() == 0);
  tenant.create("usr_many");
  tenant.create("usr_other");
  editors.role = {};
  editors.user_id = HJ_STR("usr_many");
  hj::pending_count previewed = tenant.begin_preview_revoke_where(&editors);
  hj::revoke_preview preview = previewed.wait_preview();
  CHECK(hj_revoke_preview_count(preview.get()) == 1);
  hj_revoke_where_options planned = hj_revoke_where_options_init();
  planned.plan = hj::str(hj_revoke_preview_plan(preview.get()));
  CHECK(tenant.begin_revoke_where(&editors, &planned).wait_count() == 1);
  CHECK(tenant.begin_revoke_user("usr_many").wait_count() == 0);
  CHECK(tenant.begin_revoke_tenant().wait_count() == 1);

  hj::sign_in_attempt attempt = tenant.begin_sign_in_attempt("ada@example.com", "203.0.113.42").wait();
  CHECK(hj::view(hj_session_user_id(hj_grant_session(attempt.begin_succeed("usr_ada").wait_grant().get()))) == "usr_ada");
  CHECK(thrown_by([&] { attempt.begin_cancel(); }) == HJ_ERR_VALIDATION_ERROR);
  tenant.begin_sign_in_attempt("ada@example.com").wait().begin_cancel().wait();
  CHECK(thrown_by([&] { tenant.begin_sign_in_attempt("").wait(); }) == HJ_ERR_VALIDATION_ERROR);

  tenant.begin_revoke(id).wait();
  CHECK(thrown_by([&] { tenant.begin_revoke("ses_unknown").wait(); }) == HJ_ERR_SESSION_NOT_FOUND);

  for (int i = 0; i < 50; i++) { // destroyed before, while or after they are told
    auto kept = std::make_shared<int>(i);
    hj::pending_read cancelled = tenant.begin_list();
    cancelled.notify([kept] { CHECK(*kept >= 0); });
    hj::pending_read moved = std::move(cancelled);
  }
  std::unique_ptr<hj::pending_read> own = std::make_unique<hj::pending_read>(tenant.begin_find(id));
  own->notify([&] {
    own.reset();
    told.count();
  });
  told.wait_for(4);

  hj_rest_request request = hj_rest_request_init();
  request.method = HJ_STR("GET");
  request.target = HJ_STR("/.well-known/jwks.json");
  hj::pending_response answered = tenant.rest().begin_handle(request);
  answered.notify([&] { told.count(); });
  told.wait_for(5);
  CHECK(hj_response_status(answered.wait().get()) == 200);
  CHECK(thrown_by([&] { tenant.begin_list().notify(nullptr); }) == HJ_ERR_VALIDATION_ERROR);
  CHECK(tenant.non_blocking().id() == tenant.id());
}

int main() {
  auto clock = hj::manual_clock(1767225600000);
  hj_open_options options = hj_open_options_init();
  options.clock = clock.get();
  hj::engine engine(":memory:", &options);
  hj::tenant tenant = engine.tenant("tnt_acme", "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA");
  CHECK(tenant.id() == "tnt_acme");

  hj_create_options phone = hj_create_options_init();
  phone.ip_address = HJ_STR("203.0.113.42");
  phone.duration = HJ_STR("24h");
  hj::grant grant = tenant.create("usr_1", &phone);
  const std::string id(hj::view(hj_session_id(hj_grant_session(grant.get()))));

  CHECK(tenant.verify_access_token(hj_grant_access_token(grant.get())));
  CHECK(tenant.verify_session(id));
  hj::pending_read begun[] = {tenant.begin_find(id), tenant.begin_list(), tenant.begin_verify_session(id),
                      tenant.begin_verify_access_token(hj_grant_access_token(grant.get()))};
  CHECK(hj::view(hj_session_id(begun[0].wait_session().get())) == id);
  CHECK(thrown_by([&] { begun[0].wait_session(); }) == HJ_ERR_VALIDATION_ERROR);
  CHECK(hj_page_count(begun[1].wait_page().get()) == 1);
  CHECK(begun[2].wait_verification());
  CHECK(hj::view(hj_claims_user_id(begun[3].wait_verification().claims.get())) == "usr_1");
  hj::verification local = tenant.verify_locally(hj_grant_access_token(grant.get()));
  CHECK(local && hj::view(hj_claims_user_id(local.claims.get())) == "usr_1");

  hj_clock_advance_ms(clock.get(), 60'000);
  hj::grant fresh = tenant.refresh(hj_grant_refresh_token(grant.get()));
  CHECK(hj_session_last_active_at_ms(hj_grant_session(fresh.get())) == 1767225660000);

  hj_update_options admin = hj_update_options_init();
  admin.role = HJ_STR("admin");
  CHECK(hj::view(hj_session_role(hj_grant_session(tenant.update(id, &admin).get()))) == "admin");
  CHECK(hj_session_country(tenant.find(id).get()) == nullptr);
  CHECK(hj::view(hj_session_country(nullptr)).empty());

  hj::grant second = tenant.create("usr_1");
  CHECK(hj_page_count(tenant.list().get()) == 2);
  CHECK(tenant.revoke_user("usr_1", id) == 1);
  tenant.revoke(id);
  hj::verification refused = tenant.verify_access_token(hj_grant_access_token(fresh.get()));
  CHECK(!refused && refused.status == HJ_ERR_SESSION_REVOKED && hj::view(refused.name()) == "session_revoked");
  CHECK(refused.session != nullptr && refused.claims == nullptr);
  CHECK(thrown_by([&] { tenant.refresh(hj_grant_refresh_token(fresh.get())); }) == HJ_ERR_SESSION_REVOKED);
  CHECK(thrown_by([&] { tenant.create(std::string_view()); }) == HJ_ERR_VALIDATION_ERROR);
  CHECK(refused.failure && refused.failure->status() == refused.status && refused.failure->http_status() == 401);
  CHECK(!tenant.verify_session("ses_01ARZ3NDEKTSV4RRFFQ69G5FAV").failure->field().size());
  try {
    tenant.create("");
    CHECK(false);
  } catch (const hj::error &wrong) {
    CHECK(wrong.field() == "user_id" && hj::view(wrong.what()).substr(0, 8) == "user_id:");
  }
  CHECK(thrown_by([&] { engine.tenant("tnt_acme", "sk_wrong"); }) == HJ_ERR_INVALID_API_KEY);
  CHECK(thrown_by([&] { hj::engine nowhere("/nowhere/at/all.db"); }) == HJ_ERR_STORAGE_IO);

  CHECK(tenant.sign_out(hj_grant_access_token(tenant.create("usr_2").get())) == 1);
  hj::grant third = tenant.create("usr_3");
  CHECK(tenant.revoke_tenant() == 1);
  CHECK(hj_config_idle_timeout_s(tenant.update_config(R"({"idle_timeout": "7d"})").get()) == 604800);
  CHECK(hj_config_idle_timeout_s(tenant.config().get()) == 604800);
  const std::string kid = tenant.rotate_keys();
  CHECK(tenant.jwks().find(kid) != std::string::npos);
  CHECK(hj_keys_count(tenant.keys().get()) == 3);
  CHECK(thrown_by([&] { tenant.retire_key(kid); }) == HJ_ERR_VALIDATION_ERROR);
  tenant.change_secret_key("sk_live_new_4Tn8Rk2Wq7Zx5Vb9Yc");
  CHECK(tenant.sweep() == 0);
  CHECK(tenant.purge_older_than("1d") == 0);
  CHECK(tenant.purge_before(1767225600000) == 0);
  CHECK(hj_stats_revoked(tenant.stats().get()) == 4);

  hj::rest rest = tenant.rest();
  hj_rest_request request = hj_rest_request_init();
  request.method = HJ_STR("GET");
  request.target = HJ_STR("/.well-known/jwks.json");
  hj::response response = rest.handle(request);
  CHECK(hj_response_status(response.get()) == 200 && hj::view(hj_response_body(response.get())) == tenant.jwks());
  request.method = {};
  CHECK(thrown_by([&] { rest.handle(request); }) == HJ_ERR_VALIDATION_ERROR);
  hj_rest_options cookies = hj_rest_options_init();
  cookies.settings_json = HJ_STR(R"({"cookie": 1})");
  CHECK(thrown_by([&] { tenant.rest(&cookies); }) == HJ_ERR_VALIDATION_ERROR);

  hj::sign_in_attempt attempt = tenant.begin_sign_in("ada@example.com", "203.0.113.42");
  CHECK(hj::view(hj_session_user_id(hj_grant_session(attempt.succeed("usr_4").get()))) == "usr_4");
  CHECK(thrown_by([&] { attempt.cancel(); }) == HJ_ERR_VALIDATION_ERROR);
  for (int failure = 0; failure < 10; failure++) {
    CHECK(thrown_by([&] { tenant.begin_sign_in("ada@example.com").fail(); }) == HJ_ERR_INVALID_CREDENTIALS);
  }
  try {
    tenant.begin_sign_in("ada@example.com");
    CHECK(false);
  } catch (const hj::error &refused_sign_in) {
    CHECK(refused_sign_in.status() == HJ_ERR_TOO_MANY_REQUESTS && refused_sign_in.retry_after_s() == 900);
  }
  tenant.begin_sign_in("eve@example.com").cancel();
  hj_open_options strict = hj_open_options_init();
  strict.sign_in_account_limit = 1;
  strict.sign_in_window_s = 60;
  hj::engine strict_engine(":memory:", &strict);
  hj::tenant guarded = strict_engine.tenant("tnt_acme", "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA");
  CHECK(thrown_by([&] { guarded.begin_sign_in("ada").fail(); }) == HJ_ERR_INVALID_CREDENTIALS);
  CHECK(thrown_by([&] { guarded.begin_sign_in("ada"); }) == HJ_ERR_TOO_MANY_REQUESTS);
  strict.sign_in_account_limit = 1001;
  CHECK(thrown_by([&] { hj::engine lax(":memory:", &strict); }) == HJ_ERR_VALIDATION_ERROR);
  strict.sign_in_unlimited = 1;
  hj::engine open_engine(":memory:", &strict);
  hj::tenant unguarded = open_engine.tenant("tnt_acme", "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA");
  for (int failure = 0; failure < 200; failure++) {
    CHECK(thrown_by([&] { unguarded.begin_sign_in("ada").fail(); }) == HJ_ERR_INVALID_CREDENTIALS);
  }

  hj::engine loop_engine(":memory:");
  hj::tenant begun_on = loop_engine.tenant("tnt_acme", "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA");
  check_begun_calls(begun_on);

  // An observer is told, may throw, and goes with the last handle.
  auto told = std::make_shared<std::vector<std::string>>();
  {
    hj_open_options plain = hj_open_options_init();
    hj::engine watched(":memory:", plain, [told](const hj::operation_report &report) {
      told->push_back(std::string(report.operation) + ' ' + std::string(report.tenant_id) + ' ' +
                      hj_status_name(report.status) + ' ' + std::to_string(report.rows));
      CHECK(report.duration.count() > 0 && !report.is_from_cache);
      throw std::runtime_error("a bug of the host");
    });
    CHECK(told.use_count() == 2);
    hj::tenant watched_tenant = watched.tenant("tnt_acme", "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA");
    { hj::engine gone = std::move(watched); gone.close(); }
    CHECK(thrown_by([&] { watched_tenant.sweep(); }) == HJ_ERR_ENGINE_CLOSED);
    CHECK(told.use_count() == 2);
    CHECK(thrown_by([&] {
            hj::engine nowhere("/nowhere/at/all.db", plain, [told](const hj::operation_report &) {});
          }) == HJ_ERR_STORAGE_IO);
    CHECK(told.use_count() == 2);
    hj::engine untold(":memory:", plain, nullptr);
    hj::pending_open opening = hj::engine::begin_open(":memory:", &plain, [told](const hj::operation_report &) {});
    CHECK(told.use_count() == 3);
    counter opened;
    opening.notify([&] { opened.count(); });
    opened.wait_for(1);
    hj::engine begun = opening.wait_engine();
    CHECK(begun.begin_tenant("tnt_acme", "sk_live_Vq3nT8kLx0cJ5wRzE7uYbA").wait_tenant().id() == "tnt_acme");
    CHECK(thrown_by([&] { begun.begin_tenant("tnt_acme", "sk_live_another_0cJ5wRzE7uYbA").wait_tenant(); }) ==
          HJ_ERR_INVALID_API_KEY);
    // Data that were handed over come back from an opening that fails, and from one that is never made.
    CHECK(thrown_by([&] {
            hj::engine::begin_open("/nowhere/at/all.db", nullptr, [told](const hj::operation_report &) {}).wait_engine();
          }) == HJ_ERR_STORAGE_IO);
    { hj::pending_open never = hj::engine::begin_open(":memory:", nullptr, [told](const hj::operation_report &) {}); }
    CHECK(told.use_count() == 3);
    plain.durability = 9;
    CHECK(thrown_by([&] { hj::engine::begin_open(":memory:", &plain, [told](const hj::operation_report &) {}); }) ==
          HJ_ERR_VALIDATION_ERROR);
    CHECK(told.use_count() == 3);
  }
  CHECK(told.use_count() == 1);
  CHECK((*told == std::vector<std::string>{"open_tenant tnt_acme ok 1", "close  ok 0", "sweep tnt_acme engine_closed 0"}));

  // A file has no leases, and the time is checked before the database.
  using std::chrono::milliseconds;
  CHECK(thrown_by([] { hj::lower_lease("/nowhere/sessions.db", milliseconds(0)); }) == HJ_ERR_VALIDATION_ERROR);
  CHECK(thrown_by([] { hj::lower_lease("postgres://127.0.0.1:1/none", milliseconds(-1)); }) == HJ_ERR_VALIDATION_ERROR);

  // Owners move into containers and out of scope in any order.
  std::vector<hj::grant> grants;
  grants.push_back(std::move(second));
  hj::tenant moved = std::move(tenant);
  engine.lower_clock_mark();
  engine.close();
  CHECK(thrown_by([&] { moved.create("usr_1"); }) == HJ_ERR_ENGINE_CLOSED);
  return report();
}
