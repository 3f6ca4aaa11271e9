// HelloJohn for C++17: owners over hellojohn.h. An object frees itself. A call that fails throws hellojohn::error; only
// verifications return a status, which the host must check. The contract of hellojohn.h holds here too.
//
// A new operation of hellojohn.h takes one method here: detail::make for a call that hands out an object, detail::count
// for one that counts, detail::run for one that only succeeds or fails. A test finds a missing one: cpp_header.rs.
#ifndef HELLOJOHN_HPP
#define HELLOJOHN_HPP

#include <hellojohn_objects.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace hellojohn {

/// The REST API of a tenant.
class rest {
public:
  /// What it owns.
  using pointer = hj_rest *;
  /// Owns an object that hellojohn.h handed out.
  explicit rest(pointer owned) noexcept : handle_(owned) {}
  /// For the functions of hellojohn.h that take it.
  pointer get() const noexcept { return handle_.get(); }
  /// See hj_rest_handle.
  response handle(const hj_rest_request &request) const {
    return detail::make<response>([&](auto out, auto error) { return hj_rest_handle(get(), &request, out, error); });
  }
  /// Copies the request; a sign-in calls hj_authenticate on the thread that waits for the response.
  pending_response begin_handle(const hj_rest_request &request) const {
    return detail::make<pending_response>(
        [&](auto out, auto error) { return hj_rest_begin_handle(get(), &request, out, error); });
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
  /// What it owns.
  using pointer = hj_sign_in_attempt *;
  /// Owns an object that hellojohn.h handed out.
  explicit sign_in_attempt(pointer owned) noexcept : handle_(owned) {}
  /// For the functions of hellojohn.h that take it.
  pointer get() const noexcept { return handle_.get(); }
  /// The credentials were right: opens the user's session.
  grant succeed(std::string_view user_id, const hj_create_options *options = nullptr) const {
    return detail::make<grant>(
        [&](auto out, auto error) { return hj_sign_in_attempt_succeed(get(), str(user_id), options, out, error); });
  }
  /// The credentials were wrong: throws the error for the client.
  [[noreturn]] void fail() const {
    detail::run([&](auto error) { return hj_sign_in_attempt_fail(get(), error); });
    throw error(HJ_ERR_INTERNAL, nullptr); // not reached: a sign-in that failed returns its status
  }
  /// The host could not tell: as if the sign-in had not been tried.
  void cancel() const {
    detail::run([&](auto error) { return hj_sign_in_attempt_cancel(get(), error); });
  }
  /// See hj_sign_in_attempt_begin_succeed.
  pending_write begin_succeed(std::string_view user_id, const hj_create_options *options = nullptr) const {
    return detail::make<pending_write>([&](auto out, auto error) {
      return hj_sign_in_attempt_begin_succeed(get(), str(user_id), options, out, error);
    });
  }
  /// See hj_sign_in_attempt_begin_cancel.
  pending_write begin_cancel() const {
    return detail::make<pending_write>(
        [&](auto out, auto error) { return hj_sign_in_attempt_begin_cancel(get(), out, error); });
  }

private:
  detail::owner<hj_sign_in_attempt, hj_sign_in_attempt_free> handle_;
};

/// A tenant::begin_sign_in that was begun itself.
class pending_sign_in : public detail::begun<hj_pending_sign_in, hj_pending_sign_in_free, hj_pending_sign_in_notify> {
public:
  using begun::begun;
  /// The attempt; throws as tenant::begin_sign_in does.
  sign_in_attempt wait() const {
    return detail::make<sign_in_attempt>(
        [&](auto out, auto error) { return hj_pending_sign_in_wait(get(), out, error); });
  }
};

/// One tenant: every operation on sessions.
class tenant {
public:
  /// What it owns.
  using pointer = hj_tenant *;
  /// Owns an object that hellojohn.h handed out.
  explicit tenant(pointer owned) noexcept : handle_(owned) {}
  /// For the functions of hellojohn.h that take a tenant.
  pointer get() const noexcept { return handle_.get(); }
  /// See hj_tenant_id.
  std::string_view id() const noexcept { return view(hj_tenant_id(get())); }

  /// The same tenant for changes that this actor makes; without data for an actor that is not known.
  tenant with_actor(std::string_view actor) const {
    return detail::make<tenant>(
        [&](auto out, auto error) { return hj_tenant_with_actor(get(), str(actor), out, error); });
  }

  /// See hj_tenant_create.
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
  /// begin_sign_in for a thread that must not wait.
  pending_sign_in begin_sign_in_attempt(std::string_view account, std::string_view client_address = {}) const {
    return detail::make<pending_sign_in>([&](auto out, auto error) {
      return hj_tenant_begin_sign_in_attempt(get(), str(account), str(client_address), out, error);
    });
  }
  /// See hj_tenant_refresh.
  grant refresh(std::string_view refresh_token, const hj_refresh_options *options = nullptr) const {
    return detail::make<grant>(
        [&](auto out, auto error) { return hj_tenant_refresh(get(), str(refresh_token), options, out, error); });
  }
  /// See hj_tenant_adopt.
  grant adopt(std::string_view credential, const hj_refresh_options *options = nullptr) const {
    return detail::make<grant>(
        [&](auto out, auto error) { return hj_tenant_adopt(get(), str(credential), options, out, error); });
  }
  /// See hj_tenant_import.
  hellojohn::import_report import_sessions(std::string_view path, const hj_import_options *options = nullptr) const {
    return detail::make<hellojohn::import_report>(
        [&](auto out, auto error) { return hj_tenant_import(get(), str(path), options, out, error); });
  }
  /// See hj_tenant_update.
  grant update(std::string_view session_id, const hj_update_options *options) const {
    return detail::make<grant>(
        [&](auto out, auto error) { return hj_tenant_update(get(), str(session_id), options, out, error); });
  }

  /// See hj_tenant_verify_access_token.
  verification verify_access_token(std::string_view token) const {
    return detail::verify([&](auto session, auto claims, auto error) {
      return hj_tenant_verify_access_token(get(), str(token), session, claims, error);
    });
  }
  /// See hj_tenant_verify_session.
  verification verify_session(std::string_view session_id) const {
    return detail::verify([&](auto session, auto, auto error) {
      return hj_tenant_verify_session(get(), str(session_id), session, error);
    });
  }
  /// Signature and claims only: valid until the token expires, also when its session is revoked before.
  verification verify_locally(std::string_view token, const hj_verify_options *options = nullptr) const {
    return detail::verify([&](auto, auto claims, auto error) {
      return hj_tenant_verify_locally(get(), str(token), options, claims, error);
    });
  }
  /// Verifies as verify_access_token does, and that the user has authenticated as required: in the result the status is
  /// HJ_ERR_REAUTHENTICATION_REQUIRED otherwise, and `failure` says how.
  verification require_auth(std::string_view token, const hj_required_auth &required) const {
    return detail::verify([&](auto session, auto claims, auto error) {
      return hj_tenant_require_auth(get(), str(token), &required, session, claims, error);
    });
  }
  /// Verifies as verify_locally does, and that the user had authenticated as required when the token was issued.
  verification require_auth_locally(std::string_view token, const hj_required_auth &required) const {
    return detail::verify([&](auto, auto claims, auto error) {
      return hj_tenant_require_auth_locally(get(), str(token), &required, claims, error);
    });
  }

  /// See hj_tenant_get.
  session find(std::string_view session_id) const {
    return detail::make<session>(
        [&](auto out, auto error) { return hj_tenant_get(get(), str(session_id), out, error); });
  }
  /// See hj_tenant_list.
  page list(const hj_list_options *options = nullptr) const {
    return detail::make<page>([&](auto out, auto error) { return hj_tenant_list(get(), options, out, error); });
  }

  /// A handle for a thread that must not wait: a read that would have to throws HJ_ERR_STORAGE_BUSY; see hj_tenant_non_blocking.
  tenant non_blocking() const {
    return detail::make<tenant>([&](auto out, auto error) { return hj_tenant_non_blocking(get(), out, error); });
  }

  /// Changes that are begun together share a commit.
  pending_write begin_create(std::string_view user_id, const hj_create_options *options = nullptr) const {
    return detail::make<pending_write>(
        [&](auto out, auto error) { return hj_tenant_begin_create(get(), str(user_id), options, out, error); });
  }
  /// See hj_tenant_begin_refresh.
  pending_write begin_refresh(std::string_view refresh_token, const hj_refresh_options *options = nullptr) const {
    return detail::make<pending_write>(
        [&](auto out, auto error) { return hj_tenant_begin_refresh(get(), str(refresh_token), options, out, error); });
  }
  /// See hj_tenant_begin_adopt.
  pending_write begin_adopt(std::string_view credential, const hj_refresh_options *options = nullptr) const {
    return detail::make<pending_write>(
        [&](auto out, auto error) { return hj_tenant_begin_adopt(get(), str(credential), options, out, error); });
  }
  /// See hj_tenant_begin_update.
  pending_write begin_update(std::string_view session_id, const hj_update_options *options) const {
    return detail::make<pending_write>(
        [&](auto out, auto error) { return hj_tenant_begin_update(get(), str(session_id), options, out, error); });
  }
  /// See hj_tenant_begin_revoke.
  pending_write begin_revoke(std::string_view session_id) const {
    return detail::make<pending_write>(
        [&](auto out, auto error) { return hj_tenant_begin_revoke(get(), str(session_id), out, error); });
  }
  /// See hj_tenant_begin_revoke_user.
  pending_write begin_revoke_user(std::string_view user_id, std::string_view except = {}) const {
    return detail::make<pending_write>([&](auto out, auto error) {
      return hj_tenant_begin_revoke_user(get(), str(user_id), str(except), out, error);
    });
  }
  /// See hj_tenant_begin_revoke_tenant.
  pending_write begin_revoke_tenant() const {
    return detail::make<pending_write>(
        [&](auto out, auto error) { return hj_tenant_begin_revoke_tenant(get(), out, error); });
  }
  /// See hj_tenant_begin_revoke_where.
  pending_write begin_revoke_where(const hj_session_filter *filter,
                                   const hj_revoke_where_options *options = nullptr) const {
    return detail::make<pending_write>(
        [&](auto out, auto error) { return hj_tenant_begin_revoke_where(get(), filter, options, out, error); });
  }
  /// See hj_tenant_begin_preview_revoke_where.
  pending_count begin_preview_revoke_where(const hj_session_filter *filter) const {
    return detail::make<pending_count>(
        [&](auto out, auto error) { return hj_tenant_begin_preview_revoke_where(get(), filter, out, error); });
  }
  /// See hj_tenant_begin_count.
  pending_count begin_count(const hj_session_filter *filter = nullptr) const {
    return detail::make<pending_count>(
        [&](auto out, auto error) { return hj_tenant_begin_count(get(), filter, out, error); });
  }
  /// See hj_tenant_begin_sign_out.
  pending_write begin_sign_out(std::string_view token, std::string_view scope = "local") const {
    return detail::make<pending_write>(
        [&](auto out, auto error) { return hj_tenant_begin_sign_out(get(), str(token), str(scope), out, error); });
  }

  /// Reads that are begun together share a round trip to a PostgreSQL server.
  pending_read begin_find(std::string_view session_id) const {
    return detail::make<pending_read>(
        [&](auto out, auto error) { return hj_tenant_begin_get(get(), str(session_id), out, error); });
  }
  /// See hj_tenant_begin_list.
  pending_read begin_list(const hj_list_options *options = nullptr) const {
    return detail::make<pending_read>(
        [&](auto out, auto error) { return hj_tenant_begin_list(get(), options, out, error); });
  }
  /// See hj_tenant_begin_verify_session.
  pending_read begin_verify_session(std::string_view session_id) const {
    return detail::make<pending_read>(
        [&](auto out, auto error) { return hj_tenant_begin_verify_session(get(), str(session_id), out, error); });
  }
  /// See hj_tenant_begin_verify_access_token.
  pending_read begin_verify_access_token(std::string_view token) const {
    return detail::make<pending_read>(
        [&](auto out, auto error) { return hj_tenant_begin_verify_access_token(get(), str(token), out, error); });
  }

  /// See hj_tenant_begin_require_auth.
  pending_read begin_require_auth(std::string_view token, const hj_required_auth &required) const {
    return detail::make<pending_read>(
        [&](auto out, auto error) { return hj_tenant_begin_require_auth(get(), str(token), &required, out, error); });
  }

  /// How many sessions the filter admits; all active ones without it.
  std::uint64_t count(const hj_session_filter *filter = nullptr) const {
    return detail::count([&](auto out, auto error) { return hj_tenant_count(get(), filter, out, error); });
  }

  /// See hj_tenant_explain.
  hellojohn::explanation explain(std::string_view session_id) const {
    return detail::make<hellojohn::explanation>(
        [&](auto out, auto error) { return hj_tenant_explain(get(), str(session_id), out, error); });
  }

  /// See hj_tenant_revoke.
  void revoke(std::string_view session_id) const {
    detail::run([&](auto error) { return hj_tenant_revoke(get(), str(session_id), error); });
  }
  /// Revokes all sessions of the user, or all but `except`; how many.
  std::uint64_t revoke_user(std::string_view user_id, std::string_view except = {}) const {
    return detail::count(
        [&](auto out, auto error) { return hj_tenant_revoke_user(get(), str(user_id), str(except), out, error); });
  }
  /// See hj_tenant_revoke_tenant.
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

  /// See hj_tenant_config.
  hellojohn::config config() const {
    return detail::make<hellojohn::config>([&](auto out, auto error) { return hj_tenant_config(get(), out, error); });
  }
  /// See hj_tenant_update_config.
  hellojohn::config update_config(std::string_view patch_json) const {
    return detail::make<hellojohn::config>(
        [&](auto out, auto error) { return hj_tenant_update_config(get(), str(patch_json), out, error); });
  }
  /// See hj_tenant_change_secret_key.
  void change_secret_key(std::string_view new_secret_key) const {
    detail::run([&](auto error) { return hj_tenant_change_secret_key(get(), str(new_secret_key), error); });
  }
  /// See hj_tenant_rotate_refresh_key.
  void rotate_refresh_key() const {
    detail::run([&](auto error) { return hj_tenant_rotate_refresh_key(get(), error); });
  }

  /// See hj_tenant_keys.
  hellojohn::keys keys() const {
    return detail::make<hellojohn::keys>([&](auto out, auto error) { return hj_tenant_keys(get(), out, error); });
  }
  /// The id of the key that signs from now on.
  std::string rotate_keys() const {
    return std::string(view(hj_text_get(
        detail::make<text>([&](auto out, auto error) { return hj_tenant_rotate_keys(get(), out, error); }).get())));
  }
  /// See hj_tenant_retire_key.
  void retire_key(std::string_view kid) const {
    detail::run([&](auto error) { return hj_tenant_retire_key(get(), str(kid), error); });
  }
  /// The JWK Set as JSON.
  std::string jwks() const {
    return std::string(view(
        hj_text_get(detail::make<text>(
        [&](auto out, auto error) { return hj_tenant_jwks(get(), out, error); }).get())));
  }

  /// See hj_tenant_events.
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

  /// See hj_tenant_seal_events.
  std::uint64_t seal_events() const {
    return detail::count([&](auto out, auto error) { return hj_tenant_seal_events(get(), out, error); });
  }
  /// See hj_tenant_export_events.
  std::uint64_t export_events(std::uint64_t after, std::string_view path) const {
    return detail::count(
        [&](auto out, auto error) { return hj_tenant_export_events(get(), after, str(path), out, error); });
  }

  /// See hj_tenant_maintain.
  hellojohn::maintenance_report maintain() const {
    return detail::make<hellojohn::maintenance_report>(
        [&](auto out, auto error) { return hj_tenant_maintain(get(), out, error); });
  }
  /// See hj_tenant_sweep.
  std::uint64_t sweep() const {
    return detail::count([&](auto out, auto error) { return hj_tenant_sweep(get(), out, error); });
  }
  /// See hj_tenant_purge_older_than.
  std::uint64_t purge_older_than(std::string_view age) const {
    return detail::count([&](auto out, auto error) { return hj_tenant_purge_older_than(get(), str(age), out, error); });
  }
  /// See hj_tenant_purge_before.
  std::uint64_t purge_before(std::int64_t before_at_ms) const {
    return detail::count([&](auto out, auto error) { return hj_tenant_purge_before(get(), before_at_ms, out, error); });
  }
  /// What verifiers away from the engine ask for: what was added after `since`.
  hellojohn::revocation_list revocations(std::uint64_t since = 0) const {
    return detail::make<hellojohn::revocation_list>(
        [&](auto out, auto error) { return hj_tenant_revocations(get(), since, out, error); });
  }
  /// See hj_tenant_stats.
  hellojohn::stats stats() const {
    return detail::make<hellojohn::stats>([&](auto out, auto error) { return hj_tenant_stats(get(), out, error); });
  }
  /// What happened in each hour of "24h" or each day of "30d".
  stats_periods stats_series(std::string_view series) const {
    return detail::make<stats_periods>([&](auto out, auto error) {
      return hj_tenant_stats_series(get(), str(series), nullptr, out, error);
    });
  }

  /// See hj_tenant_rest.
  hellojohn::rest rest(const hj_rest_options *options = nullptr) const {
    return detail::make<hellojohn::rest>(
        [&](auto out, auto error) { return hj_tenant_rest(get(), options, out, error); });
  }

private:
  detail::owner<hj_tenant, hj_tenant_free> handle_;
};

class engine;

/// An opening that was begun; the function for its answer is the one of the call that it began.
class pending_open : public detail::begun<hj_pending_open, hj_pending_open_free, hj_pending_open_notify> {
public:
  using begun::begun;
  /// The answer of engine::begin_open.
  engine wait_engine() const;
  /// The answer of engine::begin_tenant.
  tenant wait_tenant() const {
    return detail::make<tenant>([&](auto out, auto error) { return hj_pending_open_wait(get(), nullptr, out, error); });
  }
};

/// An open database. It closes with close(), or when the engine and all its tenants are freed.
class engine {
public:
  /// What it owns.
  using pointer = hj_engine *;
  /// Owns an object that hellojohn.h handed out.
  explicit engine(pointer owned) noexcept : handle_(owned) {}
  /// See hj_engine_open.
  explicit engine(std::string_view database, const hj_open_options *options = nullptr)
      : handle_(detail::make<owner>(
            [&](auto out, auto error) { return hj_engine_open(str(database), options, out, error); })) {}
  /// With an observer, which takes the place of the one in `options`.
  engine(std::string_view database, const hj_open_options &options, observer told)
      : handle_(open_observed(database, options, std::move(told))) {}
  /// For the functions of hellojohn.h that take an engine.
  pointer get() const noexcept { return handle_.get(); }
  /// See hj_engine_begin_open; an observer takes the place of the one in `options`.
  static pending_open begin_open(std::string_view database, const hj_open_options *options = nullptr,
                                 observer told = nullptr) {
    auto data = std::make_unique<observer>(std::move(told));
    const hj_open_options observed = observe(options != nullptr ? *options : hj_open_options_init(), data.get());
    auto opening = detail::make<pending_open>(
        [&](auto out, auto error) { return hj_engine_begin_open(str(database), &observed, out, error); });
    if (*data) {
      data.release(); // the library's now
    }
    return opening;
  }

  /// See hj_engine_tenant.
  hellojohn::tenant tenant(std::string_view id, std::string_view secret_key) const {
    return detail::make<hellojohn::tenant>(
        [&](auto out, auto error) { return hj_engine_tenant(get(), str(id), str(secret_key), out, error); });
  }
  /// See hj_engine_begin_tenant.
  pending_open begin_tenant(std::string_view id, std::string_view secret_key) const {
    return detail::make<pending_open>(
        [&](auto out, auto error) { return hj_engine_begin_tenant(get(), str(id), str(secret_key), out, error); });
  }
  /// See hj_engine_lower_clock_mark.
  void lower_clock_mark() const {
    detail::run([&](auto error) { return hj_engine_lower_clock_mark(get(), error); });
  }
  /// See hj_engine_close.
  void close() const {
    detail::run([&](auto error) { return hj_engine_close(get(), error); });
  }

private:
  using owner = detail::owner<hj_engine, hj_engine_free>;

  /// The options with this observer, if it is a function.
  static hj_open_options observe(hj_open_options options, observer *told) {
    if (*told) {
      options.observer_data = told;
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
    return options;
  }

  static owner open_observed(std::string_view database, const hj_open_options &options, observer told) {
    auto data = std::make_unique<observer>(std::move(told));
    const hj_open_options observed = observe(options, data.get());
    owner opened = detail::make<owner>(
        [&](auto out, auto error) { return hj_engine_open(str(database), &observed, out, error); });
    if (*data) {
      data.release(); // the library's now
    }
    return opened;
  }

  owner handle_;
};

inline engine pending_open::wait_engine() const {
  return detail::make<engine>([&](auto out, auto error) { return hj_pending_open_wait(get(), out, nullptr, error); });
}

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

/// Shortens the leases on a PostgreSQL database to at most `longest`, and answers with the time that calls that end a session
/// wait from now on; see hj_lower_lease.
inline std::chrono::milliseconds lower_lease(std::string_view database, std::chrono::milliseconds longest) {
  const auto longest_ms = static_cast<std::uint64_t>(longest.count()); // below 0: out of range as well
  return std::chrono::milliseconds(
      detail::count([&](auto out, auto error) { return hj_lower_lease(str(database), longest_ms, out, error); }));
}

/// A clock that moves only when the host moves it, for tests of an application: `options.clock = clock.get()`.
inline clock manual_clock(std::int64_t now_at_ms) {
  return detail::make<clock>([&](auto out, auto error) { return hj_clock_new(now_at_ms, out, error); });
}

} // namespace hellojohn

#endif // HELLOJOHN_HPP
