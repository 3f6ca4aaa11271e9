/*
 * HelloJohn: sessions, access tokens and refresh tokens inside your own process, over one SQLite file.
 *
 * Generated from the comments of bindings/c/src; do not edit.
 *
 * THE CONTRACT
 *
 * Names. Every function starts with hj_ and the type of its first argument: hj_tenant_create takes an hj_tenant.
 * Constants start with HJ_. Nothing else is exported.
 *
 * Calls. A call that can fail returns an hj_status: HJ_OK (0) or one of HJ_ERR_.... Check it before you look at any
 * output. Everything else (getters, _free) cannot fail. There is no "last error" kept anywhere.
 *
 * Outputs. Outputs are the last arguments, and the very last one is `error`. A call sets all its outputs to NULL or 0
 * first, so a failure leaves nothing in them (the one exception says so: verifying an ended session). `error` may always
 * be NULL; other outputs may be NULL where their function says so, and are refused with HJ_ERR_VALIDATION_ERROR before
 * anything happens where it does not. What an output held before is overwritten, not freed. The outputs of one call must
 * be different variables.
 *
 * Objects. Every type is an incomplete struct; only pointers to it are handled. What a call hands out through an output
 * is yours: free it once with the _free of its type, from any thread, and do not use it afterwards. What a getter returns
 * (a string, a session inside a page) belongs to the object that it was read from and is good until that is freed. Every
 * _free takes NULL, every getter takes NULL and answers NULL, 0 or false, and every other call answers a NULL object with
 * HJ_ERR_VALIDATION_ERROR. The order of freeing is free: a tenant outlives its engine.
 *
 * Strings. Strings in are views (hj_str), which are read during the call only and need no closing NUL: HJ_STR("text"),
 * hj_str_of(a C string), hj_str_view(pointer, length). They must be UTF-8 without NUL characters, or the call fails with
 * HJ_ERR_VALIDATION_ERROR. A view with a NULL pointer means "not given", an empty one is an empty text. Strings out are
 * UTF-8, closed with a NUL, and never contain another one; NULL means that there is no value.
 *
 * Option structs. Start from their hj_..._init(): it sets struct_size and leaves everything else at its default, which
 * is what all bytes zero mean. Later releases add members at the end only; a library refuses a struct_size that it
 * does not know with HJ_ERR_VALIDATION_ERROR. A NULL pointer means all defaults.
 *
 * Units. Times are int64_t milliseconds since the Unix epoch (UTC) and end in _at_ms; durations are uint64_t seconds and
 * end in _s, or _ms where that is said. Durations that you give as text are a whole number and one unit: "15m", "30d".
 *
 * Threads. Engines, tenants, REST APIs and clocks may be used by any number of threads at once; other objects are
 * read-only and may be read by any number of threads at once. No call may use an object while another thread frees it.
 *
 * Fork. After fork() the child must not use an engine of its parent: every call on it and its tenants answers
 * HJ_ERR_FORKED, and a REST API a 500. Freeing it is safe there and leaves files and locks alone. So open engines after
 * forking, in each worker. A file that the parent had open at the fork is refused with HJ_ERR_FORKED too, until the child
 * has called exec(): SQLite would believe that it holds its parent's locks, and acknowledged changes could be lost.
 *
 * Panics. A bug inside the library answers HJ_ERR_INTERNAL; it never unwinds into the host and never ends the process.
 * Its message goes to standard error. Running out of memory ends the process.
 *
 * REST. hj_tenant_rest makes the documented HTTP API of a tenant for the server that you have: /v1/sessions, /v1/auth and
 * /v1/admin with what is below them, and /.well-known/jwks.json; any other path is answered with 404. For each request:
 *
 *   Read its body, but no more than HJ_REST_BODY_MAX + 1 bytes of it: one that long is refused, whatever follows.
 *   Fill an hj_rest_request with what the client sent, nothing decoded, merged or left out, and the address of its socket.
 *   Call hj_rest_handle on a thread that may wait for the disk. With anything but HJ_OK you filled it wrongly: send a 500.
 *   Send hj_response_status, each header line of the response, and hj_response_body with a Content-Length of
 *   hj_response_body_len; none with a 204, and to a HEAD the one among the header lines.
 *   Log hj_response_error, if there is one; the client finds the same x-request-id in its answer. Free the response.
 *
 * A sign-in calls your hj_authenticate in between. TLS, CORS and limits on rates are your server's business.
 *
 * The file. The engine owns its database file: do not open it with another copy of SQLite in the same process. Other
 * processes may open engines on it at any time.
 *
 * Versions. HJ_VERSION_... are those of this header, hj_version() and hj_abi_version() those of the library that is
 * loaded. Numbers of hj_status are never reused.
 */

#ifndef HELLOJOHN_H
#define HELLOJOHN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(_WIN32) && defined(HJ_SHARED)
# define HJ_API __declspec(dllimport)
#else
# define HJ_API
#endif

/* The status of these calls decides who is let in: compilers that can warn when it is thrown away. */
#if defined(__GNUC__)
# define HJ_MUST_USE __attribute__((warn_unused_result))
#else
# define HJ_MUST_USE
#endif

/// Major version of this header. While it is 0, a new minor version may change the interface.
#define HJ_VERSION_MAJOR 0

/// Minor version of this header.
#define HJ_VERSION_MINOR 1

/// Patch version of this header.
#define HJ_VERSION_PATCH 0

/// Number of the binary interface that this header describes. A library with the same number runs a host that was
/// compiled with this header.
#define HJ_ABI_VERSION 1

/// For `clear` of hj_update_options: leave the organisation.
#define HJ_CLEAR_ORG_ID 1

/// For `clear` of hj_update_options: clear the role.
#define HJ_CLEAR_ROLE 2

/// For `clear` of hj_update_options: clear the host's own claims.
#define HJ_CLEAR_CLAIMS 4

/// The longest body of a request, in bytes; a longer one is answered with 413. A host need not keep more of it than one
/// byte over this.
#define HJ_REST_BODY_MAX 65536

/// The claims of an access token that was verified. The getters answer NULL, 0 or false for NULL claims.
typedef struct hj_claims hj_claims;

/// A clock that moves only when told to, for tests of an application: open an engine with it instead of the machine's.
/// It may be freed while engines use it, and moved from any thread.
typedef struct hj_clock hj_clock;

/// The settings of a tenant that were in force when the call answered. The getters answer NULL or 0 for a NULL config.
typedef struct hj_config hj_config;

/// An open database of sessions. Several engines, here and in other processes, may share one file.
typedef struct hj_engine hj_engine;

/// Why a call failed: its status, and one line for a developer. The line never contains a token, an address, SQL or a
/// secret.
typedef struct hj_error hj_error;

/// What a device gets when it signs in or refreshes, or when its session is updated: the session and its tokens. Freeing
/// it wipes the tokens from memory. The getters answer NULL or 0 for a NULL grant.
typedef struct hj_grant hj_grant;

/// The signing keys of a tenant, oldest first, retired ones included. The getters answer NULL or 0 for NULL keys and past
/// the end.
typedef struct hj_keys hj_keys;

/// One page of a list of sessions, newest first. The getters answer NULL or 0 for a NULL page.
typedef struct hj_page hj_page;

/// What a client of the REST API is to be answered. It may carry tokens: freeing it wipes them from memory. The getters
/// answer NULL or 0 for a NULL response and past the end.
typedef struct hj_response hj_response;

/// The documented REST API of one tenant, to be mounted in any HTTP server: the host owns sockets, TLS, CORS, rate limits
/// and logging. May be used from any thread, also by several at once.
typedef struct hj_rest hj_rest;

/// One authenticated period of one user on one device, as it was when the call answered. The getters answer NULL, 0 or
/// false for a NULL session.
typedef struct hj_session hj_session;

/// A sign-in over REST that waits for the host's word. It lives until the hj_authenticate that got it returns, belongs to
/// that call and is used by one thread at a time. Its credentials are wiped from memory afterwards. The getters answer
/// NULL for NULL.
typedef struct hj_sign_in hj_sign_in;

/// What there was of a tenant when the call answered. The getters answer 0 for NULL stats.
typedef struct hj_stats hj_stats;

/// One tenant of an open engine: every operation on sessions starts here. May be used from any thread, also by several
/// at once.
///
/// Besides its own errors, every call on it may fail with HJ_ERR_ENGINE_CLOSED, HJ_ERR_FORKED, HJ_ERR_STORAGE_…,
/// HJ_ERR_VALIDATION_ERROR for an argument that it cannot read, and HJ_ERR_INVALID_API_KEY after the tenant's secret key
/// was changed through another handle.
typedef struct hj_tenant hj_tenant;

/// An answer that is one text.
typedef struct hj_text hj_text;

/// How a call ended: HJ_OK, or one of HJ_ERR_…. A later release may add numbers; none is ever reused.
typedef int32_t hj_status;

/// Text that the caller gives: `len` bytes of UTF-8 at `ptr`, without a closing NUL. A call reads it only until it
/// returns. A NULL `ptr` (with a `len` of 0) means that the text is not given, which is not the same as an empty text.
typedef struct {
  /// The first byte, or NULL.
  const char *ptr;
  /// How many bytes.
  size_t len;
} hj_str;

/// When an answer counts as kept: one of HJ_DURABILITY_….
typedef int32_t hj_durability;

/// How to open an engine; see "Option structs".
typedef struct {
  /// sizeof(hj_open_options).
  size_t struct_size;
  /// "iss" of every access token, 1 to 255 bytes; default "https://api.hellojohn.dev". Tokens of another issuer are
  /// refused, so all processes on one database use the same.
  hj_str issuer;
  /// How long a call waits for other writers, in this process and in others, before it fails with
  /// HJ_ERR_STORAGE_BUSY, in milliseconds; 0 means the default of 5 seconds, more than an hour is an hour. There is no
  /// number for not waiting at all; 1 is as good.
  uint64_t busy_timeout_ms;
  /// Another clock than the machine's, for tests; default NULL.
  const hj_clock *clock;
  /// When an answer counts as kept; default HJ_DURABILITY_FULL.
  hj_durability durability;
  /// How many access tokens the engine remembers as verified; 0 means the default of 8192, a negative number none, more
  /// than 1,000,000 are 1,000,000. One takes some 3 KB.
  int32_t token_cache_capacity;
} hj_open_options;

/// What a call says about a second factor: one of HJ_MFA_….
typedef int32_t hj_mfa;

/// What is known about a sign-in besides the user; everything is optional. See "Option structs".
typedef struct {
  /// sizeof(hj_create_options).
  size_t struct_size;
  /// The User-Agent header; more than 1024 bytes are cut.
  hj_str user_agent;
  /// The IPv4 or IPv6 address.
  hj_str ip_address;
  /// The country as two letters (ISO 3166-1 alpha-2).
  hj_str country;
  /// "desktop", "mobile", "tablet", "bot" or "unknown"; by default derived from the user agent.
  hj_str device_type;
  /// The host's own fingerprint of the device, at most 255 bytes.
  hj_str device_fingerprint;
  /// How long this session lasts ("24h", "30d"), instead of the tenant's session_duration.
  hj_str duration;
  /// The organisation that is active, at most 255 bytes.
  hj_str org_id;
  /// The user's role, at most 255 bytes.
  hj_str role;
  /// The user's e-mail address, at most 320 bytes.
  hj_str email;
  /// The host's own claims: a JSON object of at most 4096 bytes, put at the top level of every access token.
  hj_str claims_json;
  /// Whether a second factor was passed.
  hj_mfa mfa_verified;
} hj_create_options;

/// Where a refresh comes from; everything is optional. See "Option structs".
typedef struct {
  /// sizeof(hj_refresh_options).
  size_t struct_size;
  /// The address that it came from, recorded as last seen.
  hj_str ip_address;
  /// The User-Agent header that it came with, recorded as last seen.
  hj_str user_agent;
} hj_refresh_options;

/// What to change of a session; what is not given stays as it is. See "Option structs".
typedef struct {
  /// sizeof(hj_update_options).
  size_t struct_size;
  /// Another organisation.
  hj_str org_id;
  /// Another role.
  hj_str role;
  /// Other claims of the host, as a whole.
  hj_str claims_json;
  /// Whether a second factor was passed.
  hj_mfa mfa_verified;
  /// What to clear: a sum of HJ_CLEAR_…. A field cannot be given and cleared at once.
  uint32_t clear;
} hj_update_options;

/// What local verification may be told; everything is optional. See "Option structs".
typedef struct {
  /// sizeof(hj_verify_options).
  size_t struct_size;
  /// The "aud" to expect; by default the tenant's id, which is what the tenant's tokens have.
  hj_str audience;
  /// For how many seconds after its end a token is still good, 0 to 60; default 0.
  uint64_t leeway_s;
} hj_verify_options;

/// Which sessions to list; everything is optional. See "Option structs".
typedef struct {
  /// sizeof(hj_list_options).
  size_t struct_size;
  /// Only this user's; by default the whole tenant's.
  hj_str user_id;
  /// "active" (the default), "expired", "revoked" or "all".
  hj_str status;
  /// Where to go on: hj_page_next_cursor of the page before. It works only for the list that gave it out.
  hj_str cursor;
  /// How many at most, 1 to 100; more is clamped to 100. As 0 is "not given", it means the default of 20: a host that
  /// passes on a user's number refuses a 0 itself. A negative one is refused.
  int64_t limit;
} hj_list_options;

/// The host's check of credentials. It looks at the sign-in and says one of three things:
///
/// hj_sign_in_accept: they are this user's, who is signed in; hj_sign_in_fail: it cannot say, the client gets a 500;
/// nothing: they are nobody's, the client gets a 401 that tells no more. To tell nobody which addresses have an account,
/// take as long for unknown ones as for wrong passwords.
///
/// It is called by hj_rest_handle, on the thread of that call and with no lock held, so it may take its time and make any
/// call of this library but freeing the hj_rest; several threads may be in it at once. It must return: no exception and
/// no longjmp may leave it.
typedef void (*hj_authenticate)(void *user_data,
                                hj_sign_in *sign_in);

/// How the REST API behaves; see "Option structs".
typedef struct {
  /// sizeof(hj_rest_options).
  size_t struct_size;
  /// A JSON object with "cookie" (true, false, or an object with the optional "name", "domain", "path", "same_site",
  /// "secure", "allowed_origins") and "longest_requested_session" (a duration); by default no cookie is set, and a
  /// client cannot stretch the tenant's session_duration. Given "cookie", refresh tokens travel only in an HttpOnly
  /// cookie.
  hj_str settings_json;
  /// Checks the credentials of a sign-in; default NULL: a sign-in is answered with 404.
  hj_authenticate authenticate;
  /// What `authenticate` is called with. It stays the host's, and is to be good until the hj_rest is freed.
  void *user_data;
} hj_rest_options;

/// One header line.
typedef struct {
  /// The name, in any case.
  hj_str name;
  /// The value; not given counts as empty.
  hj_str value;
} hj_header;

/// A request as the client sent it; see "Option structs". Unlike other strings these need not be UTF-8: they are the
/// client's bytes.
typedef struct {
  /// sizeof(hj_rest_request).
  size_t struct_size;
  /// The method, such as "GET". Required.
  hj_str method;
  /// Path and query as they were sent, nothing decoded: "/v1/sessions?user_id=usr_1". Required.
  hj_str target;
  /// The header lines as they were sent: one that came twice stands here twice. May be NULL when there are none.
  const hj_header *headers;
  /// How many header lines.
  size_t header_count;
  /// The body; not given counts as empty.
  hj_str body;
  /// The IPv4 or IPv6 address of the client, recorded with its session: that of the socket, or what a proxy of your
  /// own reports. No header is believed in this. Optional.
  hj_str client_address;
} hj_rest_request;

/// The call did what it says.
#define HJ_OK 0

/// A value that the caller gave is of the wrong type, empty, too long or out of range.
#define HJ_ERR_VALIDATION_ERROR 1

/// No token was given where one is needed.
#define HJ_ERR_MISSING_TOKEN 2

/// Not an access token of this tenant: malformed, forged, or signed by a key that is gone.
#define HJ_ERR_INVALID_TOKEN 3

/// A genuine access token past its `exp`.
#define HJ_ERR_TOKEN_EXPIRED 4

/// Not a refresh token of this tenant; the call had no effect.
#define HJ_ERR_REFRESH_TOKEN_INVALID 5

/// A refresh token that was used before; its session has been ended.
#define HJ_ERR_REFRESH_TOKEN_REUSED 6

/// A refresh token newer than the database, which was restored from a backup.
#define HJ_ERR_REFRESH_TOKEN_AHEAD 7

/// The session reached its end or its idle time-out.
#define HJ_ERR_SESSION_EXPIRED 8

/// The session was revoked.
#define HJ_ERR_SESSION_REVOKED 9

/// No such session in this tenant.
#define HJ_ERR_SESSION_NOT_FOUND 10

/// The secret key is not this tenant's.
#define HJ_ERR_INVALID_API_KEY 11

/// The request names another tenant.
#define HJ_ERR_TENANT_MISMATCH 12

/// The caller may not do this.
#define HJ_ERR_INSUFFICIENT_PERMISSIONS 13

/// The host refused the user's credentials.
#define HJ_ERR_INVALID_CREDENTIALS 14

/// No such thing (a key, a path).
#define HJ_ERR_NOT_FOUND 15

/// The path exists, the method does not.
#define HJ_ERR_METHOD_NOT_ALLOWED 16

/// The request itself cannot be read.
#define HJ_ERR_BAD_REQUEST 17

/// The request body is over the limit.
#define HJ_ERR_PAYLOAD_TOO_LARGE 18

/// The engine was closed.
#define HJ_ERR_ENGINE_CLOSED 19

/// Another writer held the database for longer than the busy time-out.
#define HJ_ERR_STORAGE_BUSY 20

/// The disk is full; nothing was changed.
#define HJ_ERR_STORAGE_FULL 21

/// The operating system failed a file operation; nothing was acknowledged.
#define HJ_ERR_STORAGE_IO 22

/// The file is not a database of this engine, or is damaged.
#define HJ_ERR_STORAGE_CORRUPT 23

/// The file or its folder cannot be written.
#define HJ_ERR_STORAGE_READ_ONLY 24

/// The file was written by a newer release.
#define HJ_ERR_STORAGE_TOO_NEW 25

/// The process forked after the engine was opened; see "Fork".
#define HJ_ERR_FORKED 26

/// A fault of the engine or of the machine's clock or entropy.
#define HJ_ERR_INTERNAL 27

/// Every answer is on disk before it is given: a power loss takes nothing back. The default.
#define HJ_DURABILITY_FULL 0

/// Answers survive a crash of the process; a power loss may take back the last moments, never corrupt.
#define HJ_DURABILITY_NORMAL 1

/// Nothing: not passed at a sign-in, unchanged in an update.
#define HJ_MFA_UNSAID 0

/// A second factor was passed.
#define HJ_MFA_VERIFIED 1

/// No second factor was passed, or it is taken back.
#define HJ_MFA_NOT_VERIFIED 2

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/// The version of the library that is loaded, such as "0.1.0". Lives forever.
HJ_API
const char *hj_version(void);

/// The binary interface of the library that is loaded; compare it with HJ_ABI_VERSION.
HJ_API
uint32_t hj_abi_version(void);

/// The name of a status as every door spells it, such as "session_revoked"; "ok" for HJ_OK; NULL for a number that this
/// library does not know. Lives forever.
HJ_API
const char *hj_status_name(hj_status status);

/// The HTTP status that fits, such as 401; 200 for HJ_OK; 500 for a number that this library does not know.
HJ_API
int32_t hj_status_http(hj_status status);

/// The status that the call returned; HJ_OK for NULL.
HJ_API
hj_status hj_error_status(const hj_error *error);

/// One line of English for a developer; NULL for NULL.
HJ_API
const char *hj_error_detail(const hj_error *error);

/// Frees an error; NULL is allowed.
HJ_API
void hj_error_free(hj_error *error);

/// Makes a clock that stands at this time.
HJ_API
hj_status hj_clock_new(int64_t now_at_ms,
                       hj_clock **clock,
                       hj_error **error);

/// Where the clock stands; 0 for NULL.
HJ_API
int64_t hj_clock_now_at_ms(const hj_clock *clock);

/// Moves the clock to this time, forward or back; does nothing for NULL.
HJ_API
void hj_clock_set(const hj_clock *clock,
                  int64_t now_at_ms);

/// Moves the clock forward by this many milliseconds, back when negative; does nothing for NULL.
HJ_API
void hj_clock_advance_ms(const hj_clock *clock,
                         int64_t millis);

/// Frees a clock; NULL is allowed.
HJ_API
void hj_clock_free(hj_clock *clock);

/// Opens the database file at this path, creating it if it is not there; ":memory:" lives with the engine only.
///
/// `options` may be NULL. Fails with HJ_ERR_STORAGE_CORRUPT for a file that is not ours or damaged,
/// HJ_ERR_STORAGE_TOO_NEW, HJ_ERR_STORAGE_READ_ONLY, HJ_ERR_STORAGE_IO, HJ_ERR_STORAGE_BUSY (also when another copy of
/// SQLite in this process has the file open), HJ_ERR_VALIDATION_ERROR.
HJ_API
HJ_MUST_USE
hj_status hj_engine_open(hj_str database,
                         const hj_open_options *options,
                         hj_engine **engine,
                         hj_error **error);

/// Opens a handle for one tenant. On first use the tenant and its keys are made; afterwards the secret key ("sk_…", at
/// most 255 bytes) must be the same. Stretching it costs some 20 ms: keep the handle. It keeps the engine's database open
/// also when the engine is freed before it.
///
/// Fails with HJ_ERR_INVALID_API_KEY for a wrong secret key: nothing is created then.
HJ_API
HJ_MUST_USE
hj_status hj_engine_tenant(const hj_engine *engine,
                           hj_str tenant_id,
                           hj_str secret_key,
                           hj_tenant **tenant,
                           hj_error **error);

/// Lets time go back to the clock after a false jump forward: from now on "now" is the clock's again, in every process.
/// What the false time had ended stays ended.
HJ_API
hj_status hj_engine_lower_clock_mark(const hj_engine *engine,
                                     hj_error **error);

/// Closes the engine: waits for the call that is writing, releases the files. Later calls on it and on its tenants fail
/// with HJ_ERR_ENGINE_CLOSED; closing again does nothing. The handles are still to be freed.
HJ_API
hj_status hj_engine_close(const hj_engine *engine,
                          hj_error **error);

/// Frees an engine; NULL is allowed. Without hj_engine_close its database closes when its last tenant is freed too.
HJ_API
void hj_engine_free(hj_engine *engine);

/// The name of the session: "ses_" and a ULID. A name, never a credential.
HJ_API
const char *hj_session_id(const hj_session *session);

/// Whose it is.
HJ_API
const char *hj_session_user_id(const hj_session *session);

/// The tenant it belongs to.
HJ_API
const char *hj_session_tenant_id(const hj_session *session);

/// "active", "expired" (it reached its end) or "revoked" (it was ended before).
HJ_API
const char *hj_session_status(const hj_session *session);

/// Whether its status is "active".
HJ_API
bool hj_session_is_active(const hj_session *session);

/// The User-Agent of the sign-in, or NULL.
HJ_API
const char *hj_session_user_agent(const hj_session *session);

/// The address of the sign-in in canonical form, or NULL.
HJ_API
const char *hj_session_ip_address(const hj_session *session);

/// The country of the sign-in as two letters, or NULL.
HJ_API
const char *hj_session_country(const hj_session *session);

/// "desktop", "mobile", "tablet", "bot" or "unknown": given, or derived from the user agent.
HJ_API
const char *hj_session_device_type(const hj_session *session);

/// The host's fingerprint of the device, or NULL.
HJ_API
const char *hj_session_device_fingerprint(const hj_session *session);

/// The sign-in.
HJ_API
int64_t hj_session_created_at_ms(const hj_session *session);

/// The sign-in or the last rotation of the refresh token; verifying never moves it.
HJ_API
int64_t hj_session_last_active_at_ms(const hj_session *session);

/// The end of the session; fixed at sign-in.
HJ_API
int64_t hj_session_expires_at_ms(const hj_session *session);

/// When its newest access token dies.
HJ_API
int64_t hj_session_access_expires_at_ms(const hj_session *session);

/// When it was revoked; 0 unless its status is "revoked".
HJ_API
int64_t hj_session_revoked_at_ms(const hj_session *session);

/// Why it ended, NULL while it lives: "sign_out", "revoked", "revoke_all", "revoke_tenant", "max_sessions",
/// "idle_timeout", "refresh_token_reuse" or "expired".
HJ_API
const char *hj_session_end_reason(const hj_session *session);

/// The organisation that is active in it, or NULL.
HJ_API
const char *hj_session_org_id(const hj_session *session);

/// The user's role, or NULL.
HJ_API
const char *hj_session_role(const hj_session *session);

/// Whether a second factor was passed.
HJ_API
bool hj_session_mfa_verified(const hj_session *session);

/// The user's e-mail address, or NULL.
HJ_API
const char *hj_session_email(const hj_session *session);

/// The host's own claims as a JSON object, "{}" if there are none.
HJ_API
const char *hj_session_claims_json(const hj_session *session);

/// The address last seen: of the newest refresh that gave one, else of the sign-in; or NULL.
HJ_API
const char *hj_session_last_ip_address(const hj_session *session);

/// The user agent last seen: of the newest refresh that gave one, else of the sign-in; or NULL.
HJ_API
const char *hj_session_last_user_agent(const hj_session *session);

/// Frees a session that a call handed out; NULL is allowed. Sessions inside a page or a grant are freed with it.
HJ_API
void hj_session_free(hj_session *session);

/// The session; it lives inside the grant.
HJ_API
const hj_session *hj_grant_session(const hj_grant *grant);

/// The access token (JWT).
HJ_API
const char *hj_grant_access_token(const hj_grant *grant);

/// The one refresh token of the session that is live now ("rt_…"); NULL after an update, which leaves it as it is.
HJ_API
const char *hj_grant_refresh_token(const hj_grant *grant);

/// The lifetime of the access token in seconds ("expires_in" of RFC 6749).
HJ_API
uint64_t hj_grant_expires_in_s(const hj_grant *grant);

/// How many sessions this sign-in pushed out under max_sessions_per_user.
HJ_API
size_t hj_grant_evicted_count(const hj_grant *grant);

/// The id of one of them, oldest first; NULL past the end.
HJ_API
const char *hj_grant_evicted(const hj_grant *grant,
                             size_t index);

/// Frees a grant with its session and wipes its tokens; NULL is allowed.
HJ_API
void hj_grant_free(hj_grant *grant);

/// "sub": the user.
HJ_API
const char *hj_claims_user_id(const hj_claims *claims);

/// "session_id": the session.
HJ_API
const char *hj_claims_session_id(const hj_claims *claims);

/// "tenant_id": the tenant.
HJ_API
const char *hj_claims_tenant_id(const hj_claims *claims);

/// "org_id": the organisation that was active, or NULL.
HJ_API
const char *hj_claims_org_id(const hj_claims *claims);

/// "role": the user's role, or NULL.
HJ_API
const char *hj_claims_role(const hj_claims *claims);

/// "mfa_verified": whether a second factor was passed.
HJ_API
bool hj_claims_mfa_verified(const hj_claims *claims);

/// "email": the user's e-mail address, or NULL.
HJ_API
const char *hj_claims_email(const hj_claims *claims);

/// "iat": when the token was issued, a whole second.
HJ_API
int64_t hj_claims_issued_at_ms(const hj_claims *claims);

/// "exp": from when it is dead, a whole second.
HJ_API
int64_t hj_claims_expires_at_ms(const hj_claims *claims);

/// "jti": the name of the token.
HJ_API
const char *hj_claims_token_id(const hj_claims *claims);

/// The whole payload as a JSON object, the host's own claims included.
HJ_API
const char *hj_claims_payload_json(const hj_claims *claims);

/// Frees claims; NULL is allowed.
HJ_API
void hj_claims_free(hj_claims *claims);

/// How many sessions are on the page.
HJ_API
size_t hj_page_count(const hj_page *page);

/// One of them; it lives inside the page. NULL past the end.
HJ_API
const hj_session *hj_page_session(const hj_page *page,
                                  size_t index);

/// Where the next page starts; NULL on the last page.
HJ_API
const char *hj_page_next_cursor(const hj_page *page);

/// Frees a page with its sessions; NULL is allowed.
HJ_API
void hj_page_free(hj_page *page);

/// How long a session lasts after sign-in. Binds at sign-in.
HJ_API
uint64_t hj_config_session_duration_s(const hj_config *config);

/// How long an access token lasts. Binds at the next token.
HJ_API
uint64_t hj_config_access_token_ttl_s(const hj_config *config);

/// After how long without a refresh a session is revoked; 0 means never. Binds at once.
HJ_API
uint64_t hj_config_idle_timeout_s(const hj_config *config);

/// How many active sessions a user may have; 0 means unlimited. Binds at the user's next sign-in.
HJ_API
uint64_t hj_config_max_sessions_per_user(const hj_config *config);

/// For how long after a rotation the former refresh token still answers with the same successor; 0 means never.
HJ_API
uint64_t hj_config_refresh_reuse_window_s(const hj_config *config);

/// The five settings as a JSON object, durations as they were given: {"session_duration":"30d", …}.
HJ_API
const char *hj_config_json(const hj_config *config);

/// Frees a config; NULL is allowed.
HJ_API
void hj_config_free(hj_config *config);

/// How many keys there are.
HJ_API
size_t hj_keys_count(const hj_keys *keys);

/// The "kid" of the key's tokens: "key_" and a ULID.
HJ_API
const char *hj_keys_kid(const hj_keys *keys,
                        size_t index);

/// "next" (published, signs nothing yet), "active" (signs), "retiring" (signs nothing any more, its tokens are good) or
/// "retired" (gone).
HJ_API
const char *hj_keys_state(const hj_keys *keys,
                          size_t index);

/// When the key was made.
HJ_API
int64_t hj_keys_created_at_ms(const hj_keys *keys,
                              size_t index);

/// Frees keys; NULL is allowed.
HJ_API
void hj_keys_free(hj_keys *keys);

/// Sessions that live.
HJ_API
uint64_t hj_stats_active(const hj_stats *stats);

/// Sessions that reached their end.
HJ_API
uint64_t hj_stats_expired(const hj_stats *stats);

/// Sessions that were ended before.
HJ_API
uint64_t hj_stats_revoked(const hj_stats *stats);

/// Sign-ins of the last 24 hours.
HJ_API
uint64_t hj_stats_created_last_24h(const hj_stats *stats);

/// The size of the whole database in bytes, without the write-ahead log.
HJ_API
uint64_t hj_stats_database_bytes(const hj_stats *stats);

/// The earliest end by the clock that no sweep has written down yet; 0 if there is none.
HJ_API
int64_t hj_stats_oldest_unswept_at_ms(const hj_stats *stats);

/// Frees stats; NULL is allowed.
HJ_API
void hj_stats_free(hj_stats *stats);

/// The text; NULL for NULL.
HJ_API
const char *hj_text_get(const hj_text *text);

/// Its length in bytes, without the closing NUL; 0 for NULL.
HJ_API
size_t hj_text_len(const hj_text *text);

/// Frees a text; NULL is allowed.
HJ_API
void hj_text_free(hj_text *text);

/// The id of the tenant; NULL for NULL.
HJ_API
const char *hj_tenant_id(const hj_tenant *tenant);

/// Frees a tenant; NULL is allowed. Its keys are wiped from memory with its last handle.
HJ_API
void hj_tenant_free(hj_tenant *tenant);

/// Signs a user in on a device: a new session with its first tokens. The host has checked the credentials. In the same
/// transaction the user's oldest sessions above max_sessions_per_user are revoked; the new one never is.
///
/// `user_id` is 1 to 255 bytes; `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR naming the field: nothing is
/// created then.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_create(const hj_tenant *tenant,
                           hj_str user_id,
                           const hj_create_options *options,
                           hj_grant **grant,
                           hj_error **error);

/// Exchanges the session's live refresh token for its successor and a fresh access token, and moves last_active_at. For
/// refresh_reuse_window the former token answers with the same successor, so that parallel tabs and lost answers
/// converge; later it ends the session.
///
/// `options` may be NULL. Fails with HJ_ERR_MISSING_TOKEN, HJ_ERR_REFRESH_TOKEN_INVALID (no effect at all),
/// HJ_ERR_SESSION_EXPIRED, HJ_ERR_SESSION_REVOKED, HJ_ERR_REFRESH_TOKEN_REUSED (the session has been ended),
/// HJ_ERR_REFRESH_TOKEN_AHEAD.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_refresh(const hj_tenant *tenant,
                            hj_str refresh_token,
                            const hj_refresh_options *options,
                            hj_grant **grant,
                            hj_error **error);

/// Changes what the access tokens of a live session carry (step-up, organisation switch, role, own claims) and issues one
/// that says so at once. Access tokens issued before stay good until they expire; the refresh token stays as it is.
///
/// `options` may be NULL (only the fresh access token is wanted), and so may `grant`. Fails with
/// HJ_ERR_SESSION_NOT_FOUND, HJ_ERR_SESSION_REVOKED, HJ_ERR_SESSION_EXPIRED, HJ_ERR_VALIDATION_ERROR: nothing is changed
/// then.
HJ_API
hj_status hj_tenant_update(const hj_tenant *tenant,
                           hj_str session_id,
                           const hj_update_options *options,
                           hj_grant **grant,
                           hj_error **error);

/// Verifies an access token and its session against the store: refuses a session from the instant that the call which
/// ended it returned, in every thread and every process on the database.
///
/// `session` and `claims` may be NULL. Fails with HJ_ERR_MISSING_TOKEN, HJ_ERR_INVALID_TOKEN, HJ_ERR_TOKEN_EXPIRED,
/// HJ_ERR_SESSION_NOT_FOUND; with HJ_ERR_SESSION_REVOKED or HJ_ERR_SESSION_EXPIRED, and then `session` is set to the
/// ended session all the same.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_verify_access_token(const hj_tenant *tenant,
                                        hj_str token,
                                        hj_session **session,
                                        hj_claims **claims,
                                        hj_error **error);

/// Verifies by session id against the store, as hj_tenant_verify_access_token does. The id is a name, not a credential:
/// take it from where the user cannot change it.
///
/// `session` may be NULL. Fails with HJ_ERR_SESSION_NOT_FOUND; with HJ_ERR_SESSION_REVOKED or HJ_ERR_SESSION_EXPIRED,
/// and then `session` is set to the ended session all the same.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_verify_session(const hj_tenant *tenant,
                                   hj_str session_id,
                                   hj_session **session,
                                   hj_error **error);

/// Verifies signature and claims of an access token without looking at its session: the token stays valid until it
/// expires, also when its session is revoked before.
///
/// `options` and `claims` may be NULL. Fails with HJ_ERR_MISSING_TOKEN, HJ_ERR_INVALID_TOKEN, HJ_ERR_TOKEN_EXPIRED.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_verify_locally(const hj_tenant *tenant,
                                   hj_str token,
                                   const hj_verify_options *options,
                                   hj_claims **claims,
                                   hj_error **error);

/// Looks a session up, ended ones included until they are purged.
///
/// Fails with HJ_ERR_SESSION_NOT_FOUND.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_get(const hj_tenant *tenant,
                        hj_str session_id,
                        hj_session **session,
                        hj_error **error);

/// Lists sessions, newest first, a page at a time. The cursor stays good while sessions come and go.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR, also for a cursor of another list.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_list(const hj_tenant *tenant,
                         const hj_list_options *options,
                         hj_page **page,
                         hj_error **error);

/// Signs out with an access token or a refresh token of the session. Signing out of a session that has ended does
/// nothing; ending the user's other sessions needs a live one.
///
/// `scope` is "local" (the session of the token; the default) or "global" (all sessions of its user). `ended` may be
/// NULL and counts the sessions that this ended. Fails for an access token as hj_tenant_verify_locally does, for a
/// refresh token as hj_tenant_refresh does; for "global" also with HJ_ERR_SESSION_REVOKED, HJ_ERR_SESSION_EXPIRED,
/// HJ_ERR_SESSION_NOT_FOUND.
HJ_API
hj_status hj_tenant_sign_out(const hj_tenant *tenant,
                             hj_str token,
                             hj_str scope,
                             uint64_t *ended,
                             hj_error **error);

/// Revokes one session. When this returns, no thread and no process verifies or refreshes it any more. Revoking one that
/// has ended changes nothing.
///
/// Fails with HJ_ERR_SESSION_NOT_FOUND.
HJ_API
hj_status hj_tenant_revoke(const hj_tenant *tenant,
                           hj_str session_id,
                           hj_error **error);

/// Revokes all active sessions of a user, or all but one.
///
/// `except` is the id of a session of this user, or not given. `revoked` may be NULL and counts the sessions that this
/// ended. Fails with HJ_ERR_SESSION_NOT_FOUND if `except` is not a session of this user: nothing is revoked then.
HJ_API
hj_status hj_tenant_revoke_user(const hj_tenant *tenant,
                                hj_str user_id,
                                hj_str except,
                                uint64_t *revoked,
                                hj_error **error);

/// Revokes all active sessions of the tenant. `revoked` may be NULL and counts them.
HJ_API
hj_status hj_tenant_revoke_tenant(const hj_tenant *tenant,
                                  uint64_t *revoked,
                                  hj_error **error);

/// Reads the settings in force.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_config(const hj_tenant *tenant,
                           hj_config **config,
                           hj_error **error);

/// Changes settings, all or none. The patch is a JSON object: an absent name leaves a setting as it is, null turns it
/// off, a duration is "15m", "30d" or a number of seconds: {"idle_timeout": "7d", "max_sessions_per_user": null}. The
/// names are session_duration, access_token_ttl, idle_timeout, max_sessions_per_user, refresh_reuse_window.
///
/// `config` may be NULL and gets the settings in force now. Fails with HJ_ERR_VALIDATION_ERROR naming the setting:
/// nothing is changed then.
HJ_API
hj_status hj_tenant_update_config(const hj_tenant *tenant,
                                  hj_str patch_json,
                                  hj_config **config,
                                  hj_error **error);

/// Changes the tenant's secret key: no session and no token is touched. This handle goes on; every other handle, here and
/// in other processes, answers HJ_ERR_INVALID_API_KEY from its next call.
HJ_API
hj_status hj_tenant_change_secret_key(const hj_tenant *tenant,
                                      hj_str new_secret_key,
                                      hj_error **error);

/// Lists all signing keys, oldest first, retired ones included.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_keys(const hj_tenant *tenant,
                         hj_keys **keys,
                         hj_error **error);

/// Rotates the signing keys: the next key becomes active, the active one retiring, a new next one is minted. No session
/// ends and no token dies. `kid` may be NULL and gets the id of the key that signs from now on.
HJ_API
hj_status hj_tenant_rotate_keys(const hj_tenant *tenant,
                                hj_text **kid,
                                hj_error **error);

/// Retires a retiring or next key at once, for emergencies: its tokens die. A next key is replaced by a new one; retiring
/// a retired key does nothing.
///
/// Fails with HJ_ERR_NOT_FOUND, and with HJ_ERR_VALIDATION_ERROR for the active key: rotate first.
HJ_API
hj_status hj_tenant_retire_key(const hj_tenant *tenant,
                               hj_str kid,
                               hj_error **error);

/// The public keys as a JWK Set (RFC 7517) in JSON: what other services verify access tokens with.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_jwks(const hj_tenant *tenant,
                         hj_text **jwks_json,
                         hj_error **error);

/// Writes down the ends of sessions that the clock has ended, in small transactions. It changes no answer. `stamped` may
/// be NULL and counts them.
HJ_API
hj_status hj_tenant_sweep(const hj_tenant *tenant,
                          uint64_t *stamped,
                          hj_error **error);

/// Deletes the records of sessions that ended longer ago than this ("90d"), in small transactions. Afterwards they are
/// unknown. `purged` may be NULL and counts them.
HJ_API
hj_status hj_tenant_purge_older_than(const hj_tenant *tenant,
                                     hj_str older_than,
                                     uint64_t *purged,
                                     hj_error **error);

/// Deletes the records of sessions that ended before this moment; otherwise as hj_tenant_purge_older_than.
HJ_API
hj_status hj_tenant_purge_before(const hj_tenant *tenant,
                                 int64_t before_at_ms,
                                 uint64_t *purged,
                                 hj_error **error);

/// Counts the tenant's sessions, looking at each.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_stats(const hj_tenant *tenant,
                          hj_stats **stats,
                          hj_error **error);

/// Makes the REST API of a tenant. It outlives the handle that it is made from, and knows the secret key that the handle
/// has, also after hj_tenant_change_secret_key on that handle.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR naming the setting.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_rest(const hj_tenant *tenant,
                         const hj_rest_options *options,
                         hj_rest **rest,
                         hj_error **error);

/// Answers a request. The call reaches the disk.
///
/// Whatever the client sent and whatever happened, HJ_OK comes with a response to send: bytes that are not HTTP get a
/// 400, a failure inside a 500. Fails with HJ_ERR_VALIDATION_ERROR for what only the host can get wrong: a NULL, a
/// method or target that is not given, a `client_address` that is none.
HJ_API
HJ_MUST_USE
hj_status hj_rest_handle(const hj_rest *rest,
                         const hj_rest_request *request,
                         hj_response **response,
                         hj_error **error);

/// Frees a REST API; NULL is allowed. Not from inside its own `authenticate`.
HJ_API
void hj_rest_free(hj_rest *rest);

/// The e-mail address as the client sent it; not checked, never empty.
HJ_API
const char *hj_sign_in_email(const hj_sign_in *sign_in);

/// The password; never empty.
HJ_API
const char *hj_sign_in_password(const hj_sign_in *sign_in);

/// All that the client sent but its session_options, as a JSON object: "email", "password" and whatever else, such as a
/// one-time code. Do not log it.
HJ_API
const char *hj_sign_in_credentials_json(const hj_sign_in *sign_in);

/// Says that the credentials are this user's; everything is copied. The session opens after hj_authenticate has returned,
/// with the address and user agent of the request where the options have none. The last word counts.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR naming the field: the client gets a 500 then, unless another
/// word follows.
HJ_API
hj_status hj_sign_in_accept(hj_sign_in *sign_in,
                            hj_str user_id,
                            const hj_create_options *options,
                            hj_error **error);

/// Says that the host cannot tell whether the credentials are good, because its user store is down, say: the client gets
/// a 500 without the reason. Does nothing for NULL.
HJ_API
void hj_sign_in_fail(hj_sign_in *sign_in);

/// The HTTP status, such as 200.
HJ_API
int32_t hj_response_status(const hj_response *response);

/// How many header lines there are. Content-Length is among them only in the answer to a HEAD, where nobody else can
/// know it.
HJ_API
size_t hj_response_header_count(const hj_response *response);

/// The name of one of them, in lower case.
HJ_API
const char *hj_response_header_name(const hj_response *response,
                                    size_t index);

/// Its value.
HJ_API
const char *hj_response_header_value(const hj_response *response,
                                     size_t index);

/// The body: JSON, or the empty string.
HJ_API
const char *hj_response_body(const hj_response *response);

/// The length of the body in bytes, without the closing NUL.
HJ_API
size_t hj_response_body_len(const hj_response *response);

/// For the host's log: why the request was not fulfilled, also where the client is not told; NULL when it was. It lives
/// inside the response.
HJ_API
const hj_error *hj_response_error(const hj_response *response);

/// Frees a response and wipes it; NULL is allowed.
HJ_API
void hj_response_free(hj_response *response);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

/* A view of a string literal. */
#define HJ_STR(literal) hj_str_view("" literal, sizeof(literal) - 1)

/* A view of this many bytes. */
static inline hj_str hj_str_view(const char *ptr, size_t len) {
  hj_str view;
  view.ptr = ptr;
  view.len = len;
  return view;
}

/* A view of a C string; not given for NULL. */
static inline hj_str hj_str_of(const char *text) {
  return hj_str_view(text, text ? strlen(text) : 0);
}

/* Options at their defaults: hj_open_options options = hj_open_options_init(); */
#define HJ_DEFINE_INIT(type)              \
  static inline type type##_init(void) {  \
    type options;                         \
    memset(&options, 0, sizeof options);  \
    options.struct_size = sizeof options;  \
    return options;                       \
  }
HJ_DEFINE_INIT(hj_open_options)
HJ_DEFINE_INIT(hj_create_options)
HJ_DEFINE_INIT(hj_refresh_options)
HJ_DEFINE_INIT(hj_update_options)
HJ_DEFINE_INIT(hj_verify_options)
HJ_DEFINE_INIT(hj_list_options)
HJ_DEFINE_INIT(hj_rest_options)
HJ_DEFINE_INIT(hj_rest_request)
#undef HJ_DEFINE_INIT

#endif /* HELLOJOHN_H */
