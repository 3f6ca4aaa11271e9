// The objects of hellojohn.hpp, which includes this file: errors, owners, verifications and calls that were begun.
#ifndef HELLOJOHN_OBJECTS_HPP
#define HELLOJOHN_OBJECTS_HPP

#include <hellojohn.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace hellojohn {

/// Why a call failed: its status, one line for a developer, and what the status has besides.
class error : public std::runtime_error {
public:
  /// Of a call that returned this status and this error, which stays the caller's and may be NULL.
  error(hj_status status, const hj_error *raw)
      : std::runtime_error(raw != nullptr ? hj_error_detail(raw) : "no detail"), status_(status),
        retry_after_s_(hj_error_retry_after_s(raw)), max_age_s_(hj_error_max_age_s(raw)), field_(text(hj_error_field(raw))),
        factors_(text(hj_error_factors(raw))) {}
  /// The status that the call returned.
  hj_status status() const noexcept { return status_; }
  /// The name of the status, such as "session_revoked".
  const char *name() const noexcept { return hj_status_name(status_); }
  /// The HTTP status that fits, such as 401.
  int http_status() const noexcept { return hj_status_http(status_); }
  /// For HJ_ERR_VALIDATION_ERROR: the argument, member or setting that is wrong, such as "user_id"; empty where no single one is.
  const std::string &field() const noexcept { return field_; }
  /// After how many seconds the same call may succeed, for HJ_ERR_TOO_MANY_REQUESTS; else 0.
  std::uint64_t retry_after_s() const noexcept { return retry_after_s_; }
  /// For HJ_ERR_REAUTHENTICATION_REQUIRED: for how many seconds a factor counts after it was passed; 0 where that does not
  /// matter.
  std::uint64_t max_age_s() const noexcept { return max_age_s_; }
  /// For HJ_ERR_REAUTHENTICATION_REQUIRED: the methods that the user must have passed, such as "pwd,otp"; empty where any will do.
  const std::string &factors() const noexcept { return factors_; }

private:
  static std::string text(const char *text) { return text != nullptr ? text : ""; }

  hj_status status_;
  std::uint64_t retry_after_s_;
  std::uint64_t max_age_s_;
  std::string field_;
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
    throw error(status, raw);
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
  /// HJ_OK only if the token or session is good.
  hj_status status = HJ_ERR_INTERNAL;
  /// The session as it is now, also an ended one; empty where the verification does not look at it.
  hellojohn::session session;
  /// What the token says; empty where there is none.
  hellojohn::claims claims;
  /// Why it is not good: what hellojohn::error tells of any failure.
  std::optional<hellojohn::error> failure;
  /// Whether the token or session is good.
  explicit operator bool() const noexcept { return status == HJ_OK; }
  /// The name of the status, such as "session_revoked".
  const char *name() const noexcept { return hj_status_name(status); }
  /// Whether the token was issued before the last update of its session: the client should refresh.
  bool is_outdated() const noexcept { return hj_claims_outdated(claims.get()); }
};

namespace detail {
/// Makes a verification: its status is part of the result, also when it fails.
template <class Call> verification verify(Call call) {
  hj_session *session = nullptr;
  hj_claims *claims = nullptr;
  hj_error *raw = nullptr;
  const hj_status status = call(&session, &claims, &raw);
  verification result{status, hellojohn::session(session), hellojohn::claims(claims), std::nullopt};
  const owner<hj_error, hj_error_free> owned(raw);
  if (status != HJ_OK) {
    result.failure.emplace(status, raw);
  }
  return result;
}
} // namespace detail

/// What an observer is told of an operation that has ended; the texts are good until the observer returns.
struct operation_report {
  /// The name of the operation, such as "create".
  std::string_view operation;
  /// Without data for an operation of the whole engine.
  std::string_view tenant_id;
  /// How the operation ended.
  hj_status status = HJ_ERR_INTERNAL;
  /// How long the operation took.
  std::chrono::nanoseconds duration{};
  /// How many sessions, keys or events the answer tells of, or were changed.
  std::uint64_t rows = 0;
  /// Whether the engine had the answer, of a token or a list, in its cache.
  bool is_from_cache = false;
};

/// Told after each operation, on the thread that makes it, several at once; see hj_observer. An exception that leaves it is
/// dropped. It lives until the engine, its tenants and its REST APIs are gone.
using observer = std::function<void(const operation_report &)>;

/// Told that an answer is there, once, on a thread of the library; see "Event loops" in hellojohn.h. An exception that leaves it is
/// dropped. It may destroy the call that it is about.
using completion = std::function<void()>;

namespace detail {
/// A call that was begun, with its completion. Destroying it withdraws the completion.
template <class T, auto Free, auto Notify> class begun {
public:
  using pointer = T *;
  explicit begun(pointer owned) noexcept : handle_(owned) {}
  pointer get() const noexcept { return handle_.get(); }
  /// Has a thread of the library wait for the answer and call `told` then, so that waiting does not wait. Once only.
  void notify(completion told) {
    auto kept = std::make_unique<std::shared_ptr<completion>>(std::make_shared<completion>(std::move(told)));
    std::shared_ptr<completion> *const user_data = kept.get();
    const pointer handle = get();
    const bool is_first = told_ == nullptr;
    if (is_first) { // before the call, because the completion may destroy this object while the call lasts
      told_ = std::move(kept);
    }
    try {
      run([&](auto error) { return Notify(handle, **user_data ? call : nullptr, user_data, error); });
    } catch (...) {
      if (is_first) {
        told_.reset();
      }
      throw;
    }
  }

private:
  static void call(void *user_data) noexcept {
    const std::shared_ptr<completion> told = *static_cast<std::shared_ptr<completion> *>(user_data);
    try {
      (*told)();
    } catch (...) { // must not unwind into the library
    }
  }

  // Declared before the handle, so destroyed after it: the library calls it no more then.
  std::unique_ptr<std::shared_ptr<completion>> told_;
  owner<T, Free> handle_;
};
} // namespace detail

/// A read that was begun; the function for its answer is the one of the call that it began.
class pending_read : public detail::begun<hj_pending_read, hj_pending_read_free, hj_pending_read_notify> {
public:
  using begun::begun;
  /// The answer of begin_find.
  session wait_session() const {
    return detail::make<session>(
        [&](auto out, auto error) { return hj_pending_read_wait(get(), out, nullptr, nullptr, error); });
  }
  /// The answer of begin_list.
  page wait_page() const {
    return detail::make<page>([&](auto out, auto error) { return hj_pending_read_wait(get(), nullptr, nullptr, out, error); });
  }
  /// The answer of begin_verify_session, begin_verify_access_token and begin_require_auth.
  verification wait_verification() const {
    return detail::verify([&](auto session, auto claims, auto error) {
      return hj_pending_read_wait(get(), session, claims, nullptr, error);
    });
  }
};

/// A change that was begun; the function for its answer is the one of the call that it began.
class pending_write : public detail::begun<hj_pending_write, hj_pending_write_free, hj_pending_write_notify> {
public:
  using begun::begun;
  /// The answer of begin_create, begin_refresh, begin_adopt, begin_update and sign_in_attempt::begin_succeed.
  grant wait_grant() const {
    return detail::make<grant>([&](auto out, auto error) { return hj_pending_write_wait(get(), out, nullptr, error); });
  }
  /// The answer of begin_sign_out, begin_revoke_user, begin_revoke_tenant and begin_revoke_where: how many sessions ended.
  std::uint64_t wait_count() const {
    return detail::count([&](auto out, auto error) { return hj_pending_write_wait(get(), nullptr, out, error); });
  }
  /// The answer of begin_revoke and sign_in_attempt::begin_cancel.
  void wait() const {
    detail::run([&](auto error) { return hj_pending_write_wait(get(), nullptr, nullptr, error); });
  }
};

/// A look at all sessions of a filter that was begun.
class pending_count : public detail::begun<hj_pending_count, hj_pending_count_free, hj_pending_count_notify> {
public:
  using begun::begun;
  /// How many sessions match.
  std::uint64_t wait_count() const {
    return detail::count([&](auto out, auto error) { return hj_pending_count_wait(get(), out, nullptr, error); });
  }
  /// The answer of begin_preview_revoke_where.
  revoke_preview wait_preview() const {
    return detail::make<revoke_preview>(
        [&](auto out, auto error) { return hj_pending_count_wait(get(), nullptr, out, error); });
  }
};

/// A request of the REST API that was begun.
class pending_response
    : public detail::begun<hj_pending_response, hj_pending_response_free, hj_pending_response_notify> {
public:
  using begun::begun;
  /// The response.
  response wait() const {
    return detail::make<response>([&](auto out, auto error) { return hj_pending_response_wait(get(), out, error); });
  }
};

} // namespace hellojohn

#endif // HELLOJOHN_OBJECTS_HPP
