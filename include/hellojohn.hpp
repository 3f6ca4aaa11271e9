// HelloJohn for C++17: owners over hellojohn.h. An object frees itself. A call that fails throws hellojohn::error; only
// the three verifications return a status, which the host must check. The contract of hellojohn.h holds here too.
//
// A new operation of hellojohn.h takes one method here: detail::make for a call that hands out an object, detail::count
// for one that counts, detail::run for one that only succeeds or fails. A test finds a missing one: cpp_header.rs.
#ifndef HELLOJOHN_HPP
#define HELLOJOHN_HPP

#include <hellojohn.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace hellojohn {

/// Why a call failed: its status, and one line for a developer.
class error : public std::runtime_error {
public:
  error(hj_status status, const char *detail, std::uint64_t retry_after_s = 0, std::uint64_t max_age_s = 0,
        const char *factors = nullptr)
      : std::runtime_error(detail != nullptr ? detail : "no detail"), status_(status), retry_after_s_(retry_after_s),
        max_age_s_(max_age_s), factors_(factors != nullptr ? factors : "") {}
  hj_status status() const noexcept { return status_; }
  /// The name of the status, such as "session_revoked".
  const char *name() const noexcept { return hj_status_name(status_); }
  /// After how many seconds the same call may succeed, for HJ_ERR_TOO_MANY_REQUESTS; else 0.
  std::uint64_t retry_after_s() const noexcept { return retry_after_s_; }
  /// For HJ_ERR_REAUTHENTICATION_REQUIRED: for how many seconds a factor counts after it was passed; 0 where that does not
  /// matter.
  std::uint64_t max_age_s() const noexcept { return max_age_s_; }
  /// For HJ_ERR_REAUTHENTICATION_REQUIRED: the methods that the user must have passed, such as "pwd,otp"; empty where any will do.
  const std::string &factors() const noexcept { return factors_; }

private:
  hj_status status_;
  std::uint64_t retry_after_s_;
  std::uint64_t max_age_s_;
  std::string factors_;
};

namespace detail {
template <auto Free> struct deleter {
  template <class T> void operator()(T *object) const noexcept { Free(object); }
};
template <class T, auto Free> using owner = std::unique_ptr<T, deleter<Free>>;

/// Makes a call whose last argument is `error`; throws if it fails.
template <class Call> void run(Call call) {
  hj_error *raw = nullptr;
  const hj_status status = call(&raw);
  const owner<hj_error, hj_error_free> owned(raw);
  if (status != HJ_OK) {
    throw error(status, hj_error_detail(raw), hj_error_retry_after_s(raw), hj_error_max_age_s(raw), hj_error_factors(raw));
  }
}

/// Makes a call that hands out an object; its owner.
template <class Owner, class Call> Owner make(Call call) {
  typename Owner::pointer object = nullptr;
  run([&](auto error) { return call(&object, error); });
  return Owner(object);
}

/// Makes a call that counts; the number.
template <class Call> std::uint64_t count(Call call) {
  std::uint64_t number = 0;
  run([&](auto error) { return call(&number, error); });
  return number;
}
} // namespace detail

using session = detail::owner<hj_session, hj_session_free>;
using grant = detail::owner<hj_grant, hj_grant_free>;
using claims = detail::owner<hj_claims, hj_claims_free>;
using page = detail::owner<hj_page, hj_page_free>;
using revoke_preview = detail::owner<hj_revoke_preview, hj_revoke_preview_free>;
using config = detail::owner<hj_config, hj_config_free>;
using keys = detail::owner<hj_keys, hj_keys_free>;
using stats_periods = detail::owner<hj_stats_periods, hj_stats_periods_free>;
using revocation_list = detail::owner<hj_revocation_list, hj_revocation_list_free>;
using stats = detail::owner<hj_stats, hj_stats_free>;
using copy_report = detail::owner<hj_copy_report, hj_copy_report_free>;
using replay_report = detail::owner<hj_replay_report, hj_replay_report_free>;
using check_report = detail::owner<hj_check_report, hj_check_report_free>;
using import_report = detail::owner<hj_import_report, hj_import_report_free>;
using event_page = detail::owner<hj_event_page, hj_event_page_free>;
using event = detail::owner<hj_event, hj_event_free>;
using event_log_report = detail::owner<hj_event_log_report, hj_event_log_report_free>;
using maintenance_report = detail::owner<hj_maintenance_report, hj_maintenance_report_free>;
using explanation = detail::owner<hj_explanation, hj_explanation_free>;
using text = detail::owner<hj_text, hj_text_free>;
using response = detail::owner<hj_response, hj_response_free>;
using clock = detail::owner<hj_clock, hj_clock_free>;

/// A view for the C interface. One without data (a default-constructed view) means "not given".
inline hj_str str(std::string_view text) noexcept { return hj_str_view(text.data(), text.size()); }

/// A string that a getter returned; empty for NULL.
inline std::string_view view(const char *text) noexcept {
  return text != nullptr ? std::string_view(text) : std::string_view();
}

/// The result of a verification: true only if the token or session is good. An ended session comes with its status.
struct [[nodiscard]] verification {
  hj_status status = HJ_ERR_INTERNAL;
  hellojohn::session session;
  hellojohn::claims claims;
  explicit operator bool() const noexcept { return status == HJ_OK; }
  const char *name() const noexcept { return hj_status_name(status); }
  /// Whether the token was issued before the last update of its session: the client should refresh.
  bool is_outdated() const noexcept { return hj_claims_outdated(claims.get()); }
};

/// A read that was begun; the function for its answer is the one of the call that it began.
class pending_read {
public:
  using pointer = hj_pending_read *;
  explicit pending_read(pointer owned) noexcept : handle_(owned) {}
  pointer get() const noexcept { return handle_.get(); }
  /// The answer of begin_find.
  session wait_session() const {
    return detail::make<session>(
        [&](auto out, auto error) { return hj_pending_read_wait(get(), out, nullptr, nullptr, error); });
  }
  /// The answer of begin_list.
  page wait_page() const {
    return detail::make<page>([&](auto out, auto error) { return hj_pending_read_wait(get(), nullptr, nullptr, out, error); });
  }
  /// The answer of begin_verify_session and begin_verify_access_token.
  verification wait_verification() const {
    hj_session *session = nullptr;
    hj_claims *claims = nullptr;
    const hj_status status = hj_pending_read_wait(get(), &session, &claims, nullptr, nullptr);
    return {status, hellojohn::session(session), hellojohn::claims(claims)};
  }

private:
  detail::owner<hj_pending_read, hj_pending_read_free> handle_;
};

/// The REST API of a tenant.
class rest {
public:
  using pointer = hj_rest *;
  explicit rest(pointer owned) noexcept : handle_(owned) {}
  pointer get() const noexcept { return handle_.get(); }
  response handle(const hj_rest_request &request) const {
    return detail::make<response>([&](auto out, auto error) { return hj_rest_handle(get(), &request, out, error); });
  }
  /// Authorises a request to a route of your own. The response has status 200 if it may pass; the session is empty without a user.
  std::pair<response, session> authorize(const hj_rest_request &request,
                                         const hj_authorize_options *options = nullptr) const {
    hj_session *found = nullptr;
    auto answer = detail::make<response>(
        [&](auto out, auto error) { return hj_rest_authorize(get(), &request, options, &found, out, error); });
    return {std::move(answer), session(found)};
  }

private:
  detail::owner<hj_rest, hj_rest_free> handle_;
};

/// A sign-in whose credentials the host is about to check; it counts as failed until the host says otherwise.
class sign_in_attempt {
public:
  using pointer = hj_sign_in_attempt *;
  explicit sign_in_attempt(pointer owned) noexcept : handle_(owned) {}
  pointer get() const noexcept { return handle_.get(); }
  /// The credentials were right: opens the user's session.
  grant succeed(std::string_view user_id, const hj_create_options *options = nullptr) const {
    return detail::make<grant>(
        [&](auto out, auto error) { return hj_sign_in_attempt_succeed(get(), str(user_id), options, out, error); });
  }
  /// The credentials were wrong: throws the error for the client.
  [[noreturn]] void fail() const {
    detail::run([&](auto error) { return hj_sign_in_attempt_fail(get(), error); });
    throw error(HJ_ERR_INTERNAL, "a failed sign-in returned HJ_OK");
  }
  /// The host could not tell: as if the sign-in had not been tried.
  void cancel() const {
    detail::run([&](auto error) { return hj_sign_in_attempt_cancel(get(), error); });
  }

private:
  detail::owner<hj_sign_in_attempt, hj_sign_in_attempt_free> handle_;
};

/// One tenant: every operation on sessions.
class tenant {
public:
  using pointer = hj_tenant *;
  explicit tenant(pointer owned) noexcept : handle_(owned) {}
  /// For the functions of hellojohn.h that take a tenant.
  pointer get() const noexcept { return handle_.get(); }
  std::string_view id() const noexcept { return view(hj_tenant_id(get())); }

  /// The same tenant for changes that this actor makes; without data for an actor that is not known.
  tenant with_actor(std::string_view actor) const {
    return detail::make<tenant>(
        [&](auto out, auto error) { return hj_tenant_with_actor(get(), str(actor), out, error); });
  }

  grant create(std::string_view user_id, const hj_create_options *options = nullptr) const {
    return detail::make<grant>(
        [&](auto out, auto error) { return hj_tenant_create(get(), str(user_id), options, out, error); });
  }
  /// Call it before you check credentials; throws HJ_ERR_TOO_MANY_REQUESTS if too many sign-ins have failed.
  sign_in_attempt begin_sign_in(std::string_view account, std::string_view client_address = {}) const {
    return detail::make<sign_in_attempt>([&](auto out, auto error) {
      return hj_tenant_begin_sign_in(get(), str(account), str(client_address), out, error);
    });
  }
  grant refresh(std::string_view refresh_token, const hj_refresh_options *options = nullptr) const {
    return detail::make<grant>(
        [&](auto out, auto error) { return hj_tenant_refresh(get(), str(refresh_token), options, out, error); });
  }
  grant adopt(std::string_view credential, const hj_refresh_options *options = nullptr) const {
    return detail::make<grant>(
        [&](auto out, auto error) { return hj_tenant_adopt(get(), str(credential), options, out, error); });
  }
  hellojohn::import_report import_sessions(std::string_view path, const hj_import_options *options = nullptr) const {
    return detail::make<hellojohn::import_report>(
        [&](auto out, auto error) { return hj_tenant_import(get(), str(path), options, out, error); });
  }
  grant update(std::string_view session_id, const hj_update_options *options) const {
    return detail::make<grant>(
        [&](auto out, auto error) { return hj_tenant_update(get(), str(session_id), options, out, error); });
  }

  verification verify_access_token(std::string_view token) const {
    hj_session *session = nullptr;
    hj_claims *claims = nullptr;
    const hj_status status = hj_tenant_verify_access_token(get(), str(token), &session, &claims, nullptr);
    return {status, hellojohn::session(session), hellojohn::claims(claims)};
  }
  verification verify_session(std::string_view session_id) const {
    hj_session *session = nullptr;
    const hj_status status = hj_tenant_verify_session(get(), str(session_id), &session, nullptr);
    return {status, hellojohn::session(session), nullptr};
  }
  /// Signature and claims only: valid until the token expires, also when its session is revoked before.
  verification verify_locally(std::string_view token, const hj_verify_options *options = nullptr) const {
    hj_claims *claims = nullptr;
    const hj_status status = hj_tenant_verify_locally(get(), str(token), options, &claims, nullptr);
    return {status, nullptr, hellojohn::claims(claims)};
  }
  /// Verifies as verify_access_token does, and that the user has authenticated as required: in the result the status is
  /// HJ_ERR_REAUTHENTICATION_REQUIRED otherwise.
  verification require_auth(std::string_view token, const hj_required_auth &required) const {
    hj_session *session = nullptr;
    hj_claims *claims = nullptr;
    const hj_status status = hj_tenant_require_auth(get(), str(token), &required, &session, &claims, nullptr);
    return {status, hellojohn::session(session), hellojohn::claims(claims)};
  }
  /// Verifies as verify_locally does, and that the user had authenticated as required when the token was issued.
  verification require_auth_locally(std::string_view token, const hj_required_auth &required) const {
    hj_claims *claims = nullptr;
    const hj_status status = hj_tenant_require_auth_locally(get(), str(token), &required, &claims, nullptr);
    return {status, nullptr, hellojohn::claims(claims)};
  }

  session find(std::string_view session_id) const {
    return detail::make<session>(
        [&](auto out, auto error) { return hj_tenant_get(get(), str(session_id), out, error); });
  }
  page list(const hj_list_options *options = nullptr) const {
    return detail::make<page>([&](auto out, auto error) { return hj_tenant_list(get(), options, out, error); });
  }

  /// Reads that are begun together share a round trip to a PostgreSQL server.
  pending_read begin_find(std::string_view session_id) const {
    return detail::make<pending_read>(
        [&](auto out, auto error) { return hj_tenant_begin_get(get(), str(session_id), out, error); });
  }
  pending_read begin_list(const hj_list_options *options = nullptr) const {
    return detail::make<pending_read>(
        [&](auto out, auto error) { return hj_tenant_begin_list(get(), options, out, error); });
  }
  pending_read begin_verify_session(std::string_view session_id) const {
    return detail::make<pending_read>(
        [&](auto out, auto error) { return hj_tenant_begin_verify_session(get(), str(session_id), out, error); });
  }
  pending_read begin_verify_access_token(std::string_view token) const {
    return detail::make<pending_read>(
        [&](auto out, auto error) { return hj_tenant_begin_verify_access_token(get(), str(token), out, error); });
  }

  /// How many sessions the filter admits; all active ones without it.
  std::uint64_t count(const hj_session_filter *filter = nullptr) const {
    return detail::count([&](auto out, auto error) { return hj_tenant_count(get(), filter, out, error); });
  }

  hellojohn::explanation explain(std::string_view session_id) const {
    return detail::make<hellojohn::explanation>(
        [&](auto out, auto error) { return hj_tenant_explain(get(), str(session_id), out, error); });
  }

  void revoke(std::string_view session_id) const {
    detail::run([&](auto error) { return hj_tenant_revoke(get(), str(session_id), error); });
  }
  /// Revokes all sessions of the user, or all but `except`; how many.
  std::uint64_t revoke_user(std::string_view user_id, std::string_view except = {}) const {
    return detail::count(
        [&](auto out, auto error) { return hj_tenant_revoke_user(get(), str(user_id), str(except), out, error); });
  }
  std::uint64_t revoke_tenant() const {
    return detail::count([&](auto out, auto error) { return hj_tenant_revoke_tenant(get(), out, error); });
  }
  /// Ends the active sessions that the filter admits; how many.
  std::uint64_t revoke_where(const hj_session_filter *filter, const hj_revoke_where_options *options = nullptr) const {
    return detail::count(
        [&](auto out, auto error) { return hj_tenant_revoke_where(get(), filter, options, out, error); });
  }
  /// What revoke_where would end, with a plan to pass on to it.
  hellojohn::revoke_preview preview_revoke_where(const hj_session_filter *filter) const {
    return detail::make<hellojohn::revoke_preview>(
        [&](auto out, auto error) { return hj_tenant_preview_revoke_where(get(), filter, out, error); });
  }
  /// `scope` is "local" or "global"; how many sessions ended.
  std::uint64_t sign_out(std::string_view token, std::string_view scope = "local") const {
    return detail::count(
        [&](auto out, auto error) { return hj_tenant_sign_out(get(), str(token), str(scope), out, error); });
  }

  hellojohn::config config() const {
    return detail::make<hellojohn::config>([&](auto out, auto error) { return hj_tenant_config(get(), out, error); });
  }
  hellojohn::config update_config(std::string_view patch_json) const {
    return detail::make<hellojohn::config>(
        [&](auto out, auto error) { return hj_tenant_update_config(get(), str(patch_json), out, error); });
  }
  void change_secret_key(std::string_view new_secret_key) const {
    detail::run([&](auto error) { return hj_tenant_change_secret_key(get(), str(new_secret_key), error); });
  }
  void rotate_refresh_key() const {
    detail::run([&](auto error) { return hj_tenant_rotate_refresh_key(get(), error); });
  }

  hellojohn::keys keys() const {
    return detail::make<hellojohn::keys>([&](auto out, auto error) { return hj_tenant_keys(get(), out, error); });
  }
  /// The id of the key that signs from now on.
  std::string rotate_keys() const {
    return std::string(view(hj_text_get(
        detail::make<text>([&](auto out, auto error) { return hj_tenant_rotate_keys(get(), out, error); }).get())));
  }
  void retire_key(std::string_view kid) const {
    detail::run([&](auto error) { return hj_tenant_retire_key(get(), str(kid), error); });
  }
  /// The JWK Set as JSON.
  std::string jwks() const {
    return std::string(view(
        hj_text_get(detail::make<text>(
        [&](auto out, auto error) { return hj_tenant_jwks(get(), out, error); }).get())));
  }

  event_page events(const hj_events_options *options = nullptr) const {
    return detail::make<event_page>(
        [&](auto out, auto error) { return hj_tenant_events(get(), options, out, error); });
  }
  /// Whether there may be events that this page has not looked at; false is certain.
  bool may_have_events_after(const event_page &page) const {
    bool may_have = false;
    detail::run([&](auto error) { return hj_tenant_may_have_events_after(get(), page.get(), &may_have, error); });
    return may_have;
  }

  std::uint64_t seal_events() const {
    return detail::count([&](auto out, auto error) { return hj_tenant_seal_events(get(), out, error); });
  }
  std::uint64_t export_events(std::uint64_t after, std::string_view path) const {
    return detail::count(
        [&](auto out, auto error) { return hj_tenant_export_events(get(), after, str(path), out, error); });
  }

  hellojohn::maintenance_report maintain() const {
    return detail::make<hellojohn::maintenance_report>(
        [&](auto out, auto error) { return hj_tenant_maintain(get(), out, error); });
  }
  std::uint64_t sweep() const {
    return detail::count([&](auto out, auto error) { return hj_tenant_sweep(get(), out, error); });
  }
  std::uint64_t purge_older_than(std::string_view age) const {
    return detail::count([&](auto out, auto error) { return hj_tenant_purge_older_than(get(), str(age), out, error); });
  }
  std::uint64_t purge_before(std::int64_t before_at_ms) const {
    return detail::count([&](auto out, auto error) { return hj_tenant_purge_before(get(), before_at_ms, out, error); });
  }
  /// What verifiers away from the engine ask for: what was added after `since`.
  hellojohn::revocation_list revocations(std::uint64_t since = 0) const {
    return detail::make<hellojohn::revocation_list>(
        [&](auto out, auto error) { return hj_tenant_revocations(get(), since, out, error); });
  }
  hellojohn::stats stats() const {
    return detail::make<hellojohn::stats>([&](auto out, auto error) { return hj_tenant_stats(get(), out, error); });
  }
  /// What happened in each hour of "24h" or each day of "30d".
  stats_periods stats_series(std::string_view series) const {
    return detail::make<stats_periods>([&](auto out, auto error) {
      return hj_tenant_stats_series(get(), str(series), nullptr, out, error);
    });
  }

  hellojohn::rest rest(const hj_rest_options *options = nullptr) const {
    return detail::make<hellojohn::rest>(
        [&](auto out, auto error) { return hj_tenant_rest(get(), options, out, error); });
  }

private:
  detail::owner<hj_tenant, hj_tenant_free> handle_;
};

/// What an observer is told of an operation that has ended; the texts are good until the observer returns.
struct operation_report {
  std::string_view operation;
  /// Without data for an operation of the whole engine.
  std::string_view tenant_id;
  hj_status status = HJ_ERR_INTERNAL;
  std::chrono::nanoseconds duration{};
  std::uint64_t rows = 0;
  bool is_from_cache = false;
};

/// Told after each operation, on the thread that makes it, several at once; see hj_observer. An exception that leaves it is
/// dropped. It lives until the engine, its tenants and its REST APIs are gone.
using observer = std::function<void(const operation_report &)>;

/// An open database. It closes with close(), or when the engine and all its tenants are freed.
class engine {
public:
  explicit engine(std::string_view database, const hj_open_options *options = nullptr)
      : handle_(detail::make<owner>(
            [&](auto out, auto error) { return hj_engine_open(str(database), options, out, error); })) {}
  /// With an observer, which takes the place of the one in `options`.
  engine(std::string_view database, const hj_open_options &options, observer told)
      : handle_(open_observed(database, options, std::move(told))) {}
  hj_engine *get() const noexcept { return handle_.get(); }

  hellojohn::tenant tenant(std::string_view id, std::string_view secret_key) const {
    return detail::make<hellojohn::tenant>(
        [&](auto out, auto error) { return hj_engine_tenant(get(), str(id), str(secret_key), out, error); });
  }
  void lower_clock_mark() const {
    detail::run([&](auto error) { return hj_engine_lower_clock_mark(get(), error); });
  }
  void close() const {
    detail::run([&](auto error) { return hj_engine_close(get(), error); });
  }

private:
  using owner = detail::owner<hj_engine, hj_engine_free>;

  static owner open_observed(std::string_view database, hj_open_options options, observer told) {
    auto data = std::make_unique<observer>(std::move(told));
    if (*data) {
      options.observer_data = data.get();
      options.observer = [](void *user_data, const hj_operation_report *raw) {
        try {
          (*static_cast<const observer *>(user_data))(
              {view(hj_operation_report_operation(raw)), view(hj_operation_report_tenant_id(raw)),
               hj_operation_report_status(raw), std::chrono::nanoseconds(hj_operation_report_duration_ns(raw)),
               hj_operation_report_rows(raw), hj_operation_report_is_from_cache(raw)});
        } catch (...) { // must not unwind into the library
        }
      };
      options.observer_free = [](void *user_data) { delete static_cast<observer *>(user_data); };
    }
    owner opened = detail::make<owner>(
        [&](auto out, auto error) { return hj_engine_open(str(database), &options, out, error); });
    if (*data) {
      data.release(); // the library's now
    }
    return opened;
  }

  owner handle_;
};

/// Reads the whole database in the file at this path and tells what is wrong with it; see hj_check_database.
inline check_report check_database(std::string_view database) {
  return detail::make<check_report>([&](auto out, auto error) { return hj_check_database(str(database), out, error); });
}

/// Checks an exported log of events against the public keys of the time of the export; see hj_verify_event_log.
inline event_log_report verify_event_log(std::string_view path, std::string_view jwks_json) {
  return detail::make<event_log_report>(
      [&](auto out, auto error) { return hj_verify_event_log(str(path), str(jwks_json), out, error); });
}

/// Copies the database in the file at this path into the new file `to`; see hj_backup_database.
inline void backup_database(std::string_view database, std::string_view to, hj_progress progress = nullptr,
                            void *context = nullptr) {
  detail::run([&](auto error) { return hj_backup_database(str(database), str(to), progress, context, error); });
}

/// Makes the database in the file `to` from a backup; `policy` is "end_all" or "keep"; see hj_restore_database.
inline void restore_database(std::string_view backup, std::string_view to, std::string_view policy) {
  detail::run([&](auto error) { return hj_restore_database(str(backup), str(to), str(policy), error); });
}

/// restore_database with the ends that an exported log tells of; see hj_restore_database_with_events.
inline replay_report restore_database_with_events(std::string_view backup, std::string_view to, std::string_view log,
                                                  std::string_view jwks_json) {
  return detail::make<replay_report>([&](auto out, auto error) {
    return hj_restore_database_with_events(str(backup), str(to), str(log), str(jwks_json), out, error);
  });
}

/// Copies a whole database into another one, a file or a URL each; every token stays good; see hj_copy_database.
inline copy_report copy_database(std::string_view from, std::string_view to, hj_copy_progress progress = nullptr,
                                 void *context = nullptr) {
  return detail::make<copy_report>(
      [&](auto out, auto error) { return hj_copy_database(str(from), str(to), progress, context, out, error); });
}

/// A clock that moves only when the host moves it, for tests of an application: `options.clock = clock.get()`.
inline clock manual_clock(std::int64_t now_at_ms) {
  return detail::make<clock>([&](auto out, auto error) { return hj_clock_new(now_at_ms, out, error); });
}

} // namespace hellojohn

#endif // HELLOJOHN_HPP
