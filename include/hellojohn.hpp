// HelloJohn for C++17: owners over hellojohn.h. An object frees itself; a call that fails throws hellojohn::error, except
// the three verifications, whose answer is a status to look at. The contract of hellojohn.h holds here too.
#ifndef HELLOJOHN_HPP
#define HELLOJOHN_HPP

#include <hellojohn.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace hellojohn {

/// Why a call failed: its status, and one line for a developer.
class error : public std::runtime_error {
public:
  error(hj_status status, const char *detail)
      : std::runtime_error(detail != nullptr ? detail : "no detail"), status_(status) {}
  hj_status status() const noexcept { return status_; }
  /// The name of the status, such as "session_revoked".
  const char *name() const noexcept { return hj_status_name(status_); }

private:
  hj_status status_;
};

namespace detail {
template <auto Free> struct freeing {
  template <class T> void operator()(T *object) const noexcept { Free(object); }
};

/// The error of one call: pass it as the last argument, then check the status.
class outcome {
public:
  outcome() = default;
  outcome(const outcome &) = delete;
  outcome &operator=(const outcome &) = delete;
  ~outcome() { hj_error_free(error_); }
  operator hj_error **() noexcept { return &error_; }
  void check(hj_status status) const {
    if (status != HJ_OK) {
      throw error(status, hj_error_detail(error_));
    }
  }

private:
  hj_error *error_ = nullptr;
};
} // namespace detail

using session = std::unique_ptr<hj_session, detail::freeing<hj_session_free>>;
using grant = std::unique_ptr<hj_grant, detail::freeing<hj_grant_free>>;
using claims = std::unique_ptr<hj_claims, detail::freeing<hj_claims_free>>;
using page = std::unique_ptr<hj_page, detail::freeing<hj_page_free>>;
using config = std::unique_ptr<hj_config, detail::freeing<hj_config_free>>;
using keys = std::unique_ptr<hj_keys, detail::freeing<hj_keys_free>>;
using stats = std::unique_ptr<hj_stats, detail::freeing<hj_stats_free>>;
using text = std::unique_ptr<hj_text, detail::freeing<hj_text_free>>;
using response = std::unique_ptr<hj_response, detail::freeing<hj_response_free>>;
using clock = std::unique_ptr<hj_clock, detail::freeing<hj_clock_free>>;

/// A view for the C interface. One without data (a default-constructed view) means "not given".
inline hj_str str(std::string_view text) noexcept { return hj_str_view(text.data(), text.size()); }

/// A string that a getter answered; empty when there is none.
inline std::string_view view(const char *text) noexcept {
  return text != nullptr ? std::string_view(text) : std::string_view();
}

/// What a verification came to. Only an answer that is true let somebody in; an ended session comes with a status.
struct [[nodiscard]] verification {
  hj_status status = HJ_ERR_INTERNAL;
  hellojohn::session session;
  hellojohn::claims claims;
  explicit operator bool() const noexcept { return status == HJ_OK; }
  const char *name() const noexcept { return hj_status_name(status); }
};

/// The REST API of a tenant.
class rest {
public:
  explicit rest(hj_rest *owned) noexcept : handle_(owned) {}
  hj_rest *get() const noexcept { return handle_.get(); }
  response handle(const hj_rest_request &request) const {
    hj_response *answered = nullptr;
    detail::outcome error;
    error.check(hj_rest_handle(get(), &request, &answered, error));
    return response(answered);
  }

private:
  std::unique_ptr<hj_rest, detail::freeing<hj_rest_free>> handle_;
};

/// One tenant: every operation on sessions.
class tenant {
public:
  explicit tenant(hj_tenant *owned) noexcept : handle_(owned) {}
  /// For the calls of hellojohn.h that have no method here.
  hj_tenant *get() const noexcept { return handle_.get(); }
  std::string_view id() const noexcept { return view(hj_tenant_id(get())); }

  grant create(std::string_view user_id, const hj_create_options *options = nullptr) const {
    return answer<grant>([&](auto out, auto error) { return hj_tenant_create(get(), str(user_id), options, out, error); });
  }
  grant refresh(std::string_view refresh_token, const hj_refresh_options *options = nullptr) const {
    return answer<grant>(
        [&](auto out, auto error) { return hj_tenant_refresh(get(), str(refresh_token), options, out, error); });
  }
  grant update(std::string_view session_id, const hj_update_options *options) const {
    return answer<grant>(
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

  session find(std::string_view session_id) const {
    return answer<session>([&](auto out, auto error) { return hj_tenant_get(get(), str(session_id), out, error); });
  }
  page list(const hj_list_options *options = nullptr) const {
    return answer<page>([&](auto out, auto error) { return hj_tenant_list(get(), options, out, error); });
  }

  void revoke(std::string_view session_id) const {
    detail::outcome error;
    error.check(hj_tenant_revoke(get(), str(session_id), error));
  }
  /// Revokes all sessions of the user, or all but `except`; how many.
  std::uint64_t revoke_user(std::string_view user_id, std::string_view except = {}) const {
    return count([&](auto n, auto error) { return hj_tenant_revoke_user(get(), str(user_id), str(except), n, error); });
  }
  std::uint64_t revoke_tenant() const {
    return count([&](auto n, auto error) { return hj_tenant_revoke_tenant(get(), n, error); });
  }
  /// `scope` is "local" or "global"; how many sessions ended.
  std::uint64_t sign_out(std::string_view token, std::string_view scope = "local") const {
    return count([&](auto n, auto error) { return hj_tenant_sign_out(get(), str(token), str(scope), n, error); });
  }

  hellojohn::config config() const {
    return answer<hellojohn::config>([&](auto out, auto error) { return hj_tenant_config(get(), out, error); });
  }
  hellojohn::config update_config(std::string_view patch_json) const {
    return answer<hellojohn::config>(
        [&](auto out, auto error) { return hj_tenant_update_config(get(), str(patch_json), out, error); });
  }
  void change_secret_key(std::string_view new_secret_key) const {
    detail::outcome error;
    error.check(hj_tenant_change_secret_key(get(), str(new_secret_key), error));
  }

  hellojohn::keys keys() const {
    return answer<hellojohn::keys>([&](auto out, auto error) { return hj_tenant_keys(get(), out, error); });
  }
  /// The id of the key that signs from now on.
  std::string rotate_keys() const {
    return std::string(view(hj_text_get(
        answer<text>([&](auto out, auto error) { return hj_tenant_rotate_keys(get(), out, error); }).get())));
  }
  void retire_key(std::string_view kid) const {
    detail::outcome error;
    error.check(hj_tenant_retire_key(get(), str(kid), error));
  }
  /// The JWK Set as JSON.
  std::string jwks() const {
    return std::string(view(
        hj_text_get(answer<text>([&](auto out, auto error) { return hj_tenant_jwks(get(), out, error); }).get())));
  }

  std::uint64_t sweep() const {
    return count([&](auto n, auto error) { return hj_tenant_sweep(get(), n, error); });
  }
  std::uint64_t purge_older_than(std::string_view age) const {
    return count([&](auto n, auto error) { return hj_tenant_purge_older_than(get(), str(age), n, error); });
  }
  std::uint64_t purge_before(std::int64_t before_at_ms) const {
    return count([&](auto n, auto error) { return hj_tenant_purge_before(get(), before_at_ms, n, error); });
  }
  hellojohn::stats stats() const {
    return answer<hellojohn::stats>([&](auto out, auto error) { return hj_tenant_stats(get(), out, error); });
  }

  hellojohn::rest rest(const hj_rest_options *options = nullptr) const {
    hj_rest *made = nullptr;
    detail::outcome error;
    error.check(hj_tenant_rest(get(), options, &made, error));
    return hellojohn::rest(made);
  }

private:
  template <class Owner, class Call> static Owner answer(Call call) {
    typename Owner::pointer out = nullptr;
    detail::outcome error;
    error.check(call(&out, static_cast<hj_error **>(error)));
    return Owner(out);
  }
  template <class Call> static std::uint64_t count(Call call) {
    std::uint64_t n = 0;
    detail::outcome error;
    error.check(call(&n, static_cast<hj_error **>(error)));
    return n;
  }

  std::unique_ptr<hj_tenant, detail::freeing<hj_tenant_free>> handle_;
};

/// An open database. It closes when it and all its tenants are gone, or with close().
class engine {
public:
  explicit engine(std::string_view database, const hj_open_options *options = nullptr) {
    hj_engine *opened = nullptr;
    detail::outcome error;
    error.check(hj_engine_open(str(database), options, &opened, error));
    handle_.reset(opened);
  }
  hj_engine *get() const noexcept { return handle_.get(); }

  hellojohn::tenant tenant(std::string_view id, std::string_view secret_key) const {
    hj_tenant *opened = nullptr;
    detail::outcome error;
    error.check(hj_engine_tenant(get(), str(id), str(secret_key), &opened, error));
    return hellojohn::tenant(opened);
  }
  void lower_clock_mark() const {
    detail::outcome error;
    error.check(hj_engine_lower_clock_mark(get(), error));
  }
  void close() const {
    detail::outcome error;
    error.check(hj_engine_close(get(), error));
  }

private:
  std::unique_ptr<hj_engine, detail::freeing<hj_engine_free>> handle_;
};

/// A clock that moves only when told to, for tests of an application: `options.clock = clock.get()`.
inline clock manual_clock(std::int64_t now_at_ms) {
  hj_clock *made = nullptr;
  detail::outcome error;
  error.check(hj_clock_new(now_at_ms, &made, error));
  return clock(made);
}

} // namespace hellojohn

#endif // HELLOJOHN_HPP
