/**
 * @file
 * HelloJohn: sessions, access tokens and refresh tokens inside your own process, over one SQLite file or a schema of a PostgreSQL server.
 *
 * Generated from the comments of bindings/c/src; do not edit.
 *
 * THE CONTRACT
 *
 * Names. Every function starts with hj_ and the type of its first argument: hj_tenant_create takes an hj_tenant. A few
 * take no object and are named by what they do: hj_check_database, hj_backup_database, hj_verify_event_log. Constants start with HJ_. Nothing else is exported.
 *
 * Calls. A call that can fail returns an hj_status: HJ_OK (0) or one of HJ_ERR_.... Check the status before you read
 * any output. All other functions (getters, _free) cannot fail. The library keeps no "last error" anywhere.
 *
 * Outputs. Outputs are the last arguments, and the very last one is `error`. A call first sets all its outputs to NULL
 * or 0, so a failed call leaves nothing in them (one exception, stated where it applies: verifying an ended session).
 * `error` may always be NULL. Another output may be NULL where its function says so; otherwise a NULL there fails with
 * HJ_ERR_VALIDATION_ERROR before the call does anything. A call overwrites what an output held before and does not free
 * it. The outputs of one call must be different variables.
 *
 * Objects. Every type is an incomplete struct: you only hold pointers to it. An object that a call hands out through an
 * output is yours: free it once with the _free of its type, from any thread, and do not use it afterwards. What a
 * getter returns (a string, a session inside a page) belongs to the object that you read it from and is good until you
 * free that object. Every _free takes NULL. Every getter takes NULL and returns NULL, 0 or false for it. Every other
 * call fails with HJ_ERR_VALIDATION_ERROR for a NULL object. You may free objects in any order: a tenant outlives its
 * engine.
 *
 * Strings. You pass strings as views (hj_str): HJ_STR("text"), hj_str_of(a C string), hj_str_view(pointer, length). A
 * call reads a view only until it returns, and a view needs no closing NUL. It must be UTF-8 without NUL characters, or
 * the call fails with HJ_ERR_VALIDATION_ERROR. A view with a NULL pointer means "not given"; any other view of length 0
 * is an empty text. Strings that you get are UTF-8, closed with a NUL, and contain no other NUL; NULL means that there is no
 * value.
 *
 * Option structs. Start from their hj_..._init(): it sets struct_size and leaves every other member at its default,
 * which is what all bytes zero mean. Later releases add members at the end only. A library refuses a struct_size that
 * it does not know with HJ_ERR_VALIDATION_ERROR. A NULL pointer means all defaults.
 *
 * Units. Times are int64_t milliseconds since the Unix epoch (UTC), and their names end in _at_ms. Durations are
 * uint64_t seconds, and their names end in _s, or in _ms for milliseconds. A duration as text is a whole number and one
 * unit: "15m", "30d".
 *
 * Threads. Any number of threads may use the same engine, tenant, REST API, clock or call that was begun (hj_pending_...) at
 * once. All other objects are read-only, and any number of threads may read them at once. No call may use an object while another
 * thread frees it. A call needs less than 256 KB of stack, without what the host's own functions take.
 *
 * Event loops. A thread that must not wait begins a call and goes on: hj_engine_begin_..., hj_tenant_begin_...,
 * hj_sign_in_attempt_begin_... and hj_rest_begin_handle hand out an object (hj_pending_...) at once, the _notify of its type takes a
 * completion, and the _wait gives the answer.
 *
 *   - The call that begins judges its arguments without the database, and fails then and there: HJ_ERR_VALIDATION_ERROR, and
 *     HJ_ERR_SESSION_NOT_FOUND for a text that is no session id. Every other error comes from _wait, HJ_ERR_VALIDATION_ERROR for a
 *     filter that ends nothing, a plan and a secret key among them: answer your client in the same way to both.
 *   - A completion is called once, when the answer is there, on a thread of the library; several at once, and perhaps before
 *     _notify has returned. It holds one of the engine's few threads, so let it only wake the loop (by an eventfd, a pipe,
 *     uv_async_send), which then calls _wait: that no longer waits.
 *   - Waking should be the last thing that a completion does, and a loop whose turns must be short frees the object in a later turn:
 *     where more threads want to run than there are processors, the completion may have woken the loop and not have returned yet,
 *     and _free waits until it has.
 *   - It may make any call of this library, also free the object that it is about. It must return: no exception and no longjmp
 *     may leave it.
 *   - To cancel is to free the object. After _free has returned, its completion is neither running nor called any more. _free
 *     does not wait for the disk, but for a completion that is running on another thread: hold no lock that it takes. A change
 *     that was cancelled either happens or does not; a request over REST that a thread has taken up is carried out, and may
 *     still call hj_authenticate and hj_observer. So are an opening, a count and the end of many sessions that a thread is at; only
 *     freeing the last handle of the engine waits for them, and nothing waits for a hj_engine_begin_open that was freed.
 *   - After hj_engine_close, what was begun gets its answer if that is there or if its commit has happened, otherwise
 *     HJ_ERR_ENGINE_CLOSED, and its completion is called all the same.
 *   - In a forked child no completion is called, also not for what its parent has begun: _notify and _wait fail with
 *     HJ_ERR_FORKED, and _free leaves everything alone.
 *   - The threads (at most 4 for reads, 4 for changes, 4 for what looks at or ends very many sessions, 4 for openings and 16 for
 *     REST an engine) start when they are needed. They end when the last handle of the engine is freed (engine, tenants, REST
 *     APIs, sign-in attempts and what was begun); that call waits for what they do. What waits for a thread is queued without a
 *     limit: the host's number of connections bounds it.
 *
 * hj_tenant_begin_sign_in has its name from what it does to the sign-in: it waits for the disk, and
 * hj_tenant_begin_sign_in_attempt is the call that begins it. What has no such call (settings, keys, events, imports, maintenance,
 * copies and checks of databases) waits: make it on a thread of your own. examples/c/event_loop.c is a whole program.
 *
 * Signals. The library installs no handler, and its threads block all signals. A call that a signal interrupts goes on. A
 * signal handler must not call the library.
 *
 * Descriptors. All that the library opens is close-on-exec.
 *
 * Thread sanitizer. It cannot see the library's locks. Run a host that links the shared library with the suppression
 * "called_from_lib:libhellojohn.so", and hand data to a completion by an atomic or under a lock of your own.
 *
 * Unloading. dlclose() leaves the shared library in memory, because its threads and their destructors may need it.
 *
 * Fork. A child that a process forks after it has opened an engine, or has had a thread of the library begin to, can use neither
 * that engine nor another one: every call fails with HJ_ERR_FORKED, hj_engine_open() too, and a REST API answers 500. The child may free its parent's
 * objects; that leaves files and locks alone. So fork first and open engines in each worker, or call exec() in the child
 * (posix_spawn() does): a program that it executes starts anew.
 *
 * Cancellation. pthread_cancel() waits while its thread is inside a call, hj_authenticate included: it takes effect after
 * the call has returned, at the host's next cancellation point.
 *
 * Panics. A call that meets a bug inside the library returns HJ_ERR_INTERNAL. The bug never unwinds into the host and
 * never ends the process; its message goes to standard error. Running out of memory ends the process.
 *
 * REST. hj_tenant_rest makes the documented HTTP API of a tenant for the server that you have: /v1/sessions, /v1/auth
 * and /v1/admin with the paths below them, and /.well-known/jwks.json. It answers any other path with 404. For each
 * request:
 *
 *   1. Read its body, but at most HJ_REST_BODY_MAX + 1 bytes of it: the API refuses a body of that length, whatever
 *      follows.
 *   2. Fill an hj_rest_request with what the client sent, nothing decoded, merged or left out, and the address of its
 *      socket.
 *   3. Call hj_rest_handle on a thread that may wait for the disk. If it does not return HJ_OK, you filled the struct
 *      wrongly: send a 500.
 *   4. Send hj_response_status, each header line of the response, and hj_response_body with a Content-Length of
 *      hj_response_body_len. A 204 has no Content-Length; the answer to a HEAD has its own among the header lines.
 *   5. Log hj_response_error, if there is one, with the x-request-id from the header lines: the client sees the same id.
 *      Free the response.
 *
 * hj_rest_authorize tells who a request to a route of your own comes from, by its bearer token or by the cookies of a browser.
 *
 * A sign-in calls your hj_authenticate in between, unless too many sign-ins have failed. TLS, CORS and other rate limits
 * are the work of your server.
 *
 * The file. The engine owns its database file: do not open it with another copy of SQLite in the same process. Other
 * processes may open engines on the file at any time. Only the account of the process may open the files that the engine
 * creates (mode 0600, whatever the umask), unless hj_open_options.file_access says otherwise.
 *
 * Rights. Open engines after chroot(), after setuid() and after a sandbox is in force: an engine opens the file again when
 * several threads read at once. Where that fails, for want of rights or of descriptors, readers wait for each other
 * instead, so an open engine goes on; HJ_ERR_STORAGE_IO with the system's reason is the answer where even that is not
 * possible.
 *
 * Versions. HJ_VERSION_... and HJ_ABI_VERSION describe this header, hj_version() and hj_abi_version() the library that
 * is loaded. No release reuses a number of hj_status. HJ_ABI_VERSION is the number in the name of the shared library
 * (libhellojohn.so.N): it goes up with a release that changes or removes a function, a type or the meaning of one, and stays
 * where functions, constants and members of option structs are added. So a program runs with each library of the number that it
 * was linked against which is not older than its header.
 */

#ifndef HELLOJOHN_H
#define HELLOJOHN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/// Marks what the library exports. A host that links the DLL on Windows defines HJ_SHARED.
#if defined(_WIN32) && defined(HJ_SHARED)
# define HJ_API __declspec(dllimport)
#else
# define HJ_API
#endif

/// The status of these calls decides who gets access: a compiler that can do so warns when a host ignores it.
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

/// The longest body of a request, in bytes; the API answers a longer one with 413. A host need not keep more than one
/// byte above this limit.
#define HJ_REST_BODY_MAX 65536

/// What a check of a database found. The getters answer NULL, 0 or false for a NULL report and past the end.
typedef struct hj_check_report hj_check_report;

/// The claims of an access token that was verified. The getters answer NULL, 0 or false for NULL claims.
typedef struct hj_claims hj_claims;

/// A clock that moves only when the host moves it, for tests of an application: open an engine with it instead of the
/// machine's clock. Any thread may move it, and the host may free it while engines use it.
typedef struct hj_clock hj_clock;

/// The settings of a tenant that were in force when the call answered. The getters answer NULL or 0 for a
/// NULL config.
typedef struct hj_config hj_config;

/// What a copy of a database into another one has come to. The getters answer NULL or 0 for a NULL report.
typedef struct hj_copy_report hj_copy_report;

/// An open database of sessions. Several engines, in this process and in others, may share one file; those on several machines
/// share one PostgreSQL database.
typedef struct hj_engine hj_engine;

/// Why a call failed: its status, and one line for a developer. The line never contains a token, an address, SQL or a
/// secret.
typedef struct hj_error hj_error;

/// Something that happened to a session, the settings or the keys of a tenant. A page frees the events inside
/// of it. The getters answer NULL or 0 for a NULL event.
typedef struct hj_event hj_event;

/// What a check of an exported log of events has found. The getters answer NULL, 0 or false for a NULL
/// report.
typedef struct hj_event_log_report hj_event_log_report;

/// One page of a list of events, oldest first. The getters answer NULL, 0 or false for a NULL page.
typedef struct hj_event_page hj_event_page;

/// Why a session is over, or what will end it, as it was when the call answered. The getters answer NULL or 0
/// for a NULL explanation.
typedef struct hj_explanation hj_explanation;

/// What a device gets when it signs in, refreshes, or when the host updates its session: the session and its tokens.
/// Freeing a grant wipes its tokens from memory. The getters answer NULL or 0 for a NULL grant.
typedef struct hj_grant hj_grant;

/// What an import has done, or would do in a dry run. The getters answer NULL or 0 for a NULL report and past the end.
typedef struct hj_import_report hj_import_report;

/// The signing keys of a tenant, oldest first, retired ones included. The getters answer NULL or 0 for NULL
/// keys and past the end.
typedef struct hj_keys hj_keys;

/// What one round of maintenance has done. The getters answer 0 or false for a NULL report.
typedef struct hj_maintenance_report hj_maintenance_report;

/// What the host is told of an operation that has ended. It belongs to the call of hj_observer that got it and lives until that
/// call returns. It holds no secret, no token, no address and no id but the tenant's. The getters answer NULL, 0 or false for NULL.
typedef struct hj_operation_report hj_operation_report;

/// One page of a list of sessions, newest first. The getters answer NULL or 0 for a NULL page.
typedef struct hj_page hj_page;

/// A count of sessions that was begun: hj_tenant_begin_count or hj_tenant_begin_preview_revoke_where. The sessions are looked at when
/// the answer is waited for, or once there is a completion.
typedef struct hj_pending_count hj_pending_count;

/// An opening that was begun: hj_engine_begin_open or hj_engine_begin_tenant. The database is opened when the answer is waited for,
/// or once there is a completion.
typedef struct hj_pending_open hj_pending_open;

/// A read that was begun: hj_tenant_begin_get, hj_tenant_begin_list, hj_tenant_begin_verify_session,
/// hj_tenant_begin_verify_access_token or hj_tenant_begin_require_auth. Over PostgreSQL, reads that are begun before the first of
/// them is waited for share a round trip; over a file they are read when they are waited for. The answer is of an instant
/// between the beginning and the return of hj_pending_read_wait.
typedef struct hj_pending_read hj_pending_read;

/// A request of the REST API that was begun: hj_rest_begin_handle.
typedef struct hj_pending_response hj_pending_response;

/// A hj_tenant_begin_sign_in that was begun: hj_tenant_begin_sign_in_attempt. It is made when the answer is waited for, or once there
/// is a completion.
typedef struct hj_pending_sign_in hj_pending_sign_in;

/// A change that was begun: hj_tenant_begin_create, hj_tenant_begin_refresh, hj_tenant_begin_adopt, hj_tenant_begin_update,
/// hj_tenant_begin_revoke, hj_tenant_begin_revoke_user, hj_tenant_begin_revoke_tenant, hj_tenant_begin_revoke_where,
/// hj_tenant_begin_sign_out, hj_sign_in_attempt_begin_succeed or hj_sign_in_attempt_begin_cancel. The first four and
/// hj_tenant_begin_revoke share a commit if they are begun before the first of them is waited for; the others are made when they are
/// waited for, or once they have a completion. A change that is neither waited for nor has a completion may never happen.
typedef struct hj_pending_write hj_pending_write;

/// What a restore has made of an exported log of events, and what to do again by hand. The getters answer 0
/// or false for a NULL report.
typedef struct hj_replay_report hj_replay_report;

/// The answer to a client of the REST API. It may carry tokens: freeing it wipes them from memory. The getters
/// answer NULL or 0 for a NULL response and past the end.
typedef struct hj_response hj_response;

/// The documented REST API of one tenant, for any HTTP server: the host owns sockets, TLS, CORS, logging and rate limits
/// but the one of failed sign-ins (hj_open_options). Any number of threads may use it at once.
typedef struct hj_rest hj_rest;

/// A page of the revocation list of a tenant. The getters answer NULL, 0 or false for a NULL list.
typedef struct hj_revocation_list hj_revocation_list;

/// What ending the sessions of a filter would come to. The getters answer NULL or 0 for a NULL preview.
typedef struct hj_revoke_preview hj_revoke_preview;

/// One authenticated period of one user on one device, as it was when the call answered. A page or a grant
/// frees the sessions inside of it. The getters answer NULL, 0 or false for a NULL session.
typedef struct hj_session hj_session;

/// A sign-in over REST that waits for the host's answer. It belongs to the call of hj_authenticate that got it and
/// lives until that call returns; use it on one thread at a time. The library then wipes its credentials from memory.
/// The getters answer NULL for a NULL sign-in.
typedef struct hj_sign_in hj_sign_in;

/// A sign-in whose credentials the host is about to check. It counts as failed until the host says otherwise. Use it on
/// one thread at a time, and give it one outcome: hj_sign_in_attempt_succeed, hj_sign_in_attempt_fail or
/// hj_sign_in_attempt_cancel; a second one fails with HJ_ERR_VALIDATION_ERROR.
typedef struct hj_sign_in_attempt hj_sign_in_attempt;

/// Counts over a tenant, as they were when the call answered. The getters answer 0 for NULL stats.
typedef struct hj_stats hj_stats;

/// What happened in each hour of a day or each day of a month, oldest first. The getters answer 0 for NULL
/// periods and past the end.
typedef struct hj_stats_periods hj_stats_periods;

/// One tenant of an open engine: every operation on sessions starts here. Any number of threads may use it at once.
///
/// Besides its own errors, every call on it may fail with HJ_ERR_ENGINE_CLOSED, HJ_ERR_FORKED, HJ_ERR_STORAGE_…,
/// HJ_ERR_VALIDATION_ERROR for an argument that it cannot read, and HJ_ERR_INVALID_API_KEY after another handle changed
/// the tenant's secret key.
typedef struct hj_tenant hj_tenant;

/// One text that a call hands out.
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

/// How safe a change is when its call returns: one of HJ_DURABILITY_….
typedef int32_t hj_durability;

/// Which accounts of the system may open the files that the engine creates (the database, its log and the log's index): one
/// of HJ_FILE_ACCESS_…. The mask of the process (umask) plays no part. A file that was there before keeps its mode, and the
/// log and its index take theirs from the database. On Windows the folder's access list decides.
typedef int32_t hj_file_access;

/// How much is recorded of a tenant whose setting event_retention is set: one of HJ_EVENTS_….
typedef int32_t hj_event_detail;

/// Told after each operation of an engine and its tenants, REST's included.
///
/// The library calls it on the thread that makes the call, which waits for it, without a lock: a slow observer delays its own
/// caller and no other. Several threads may call it at once. It may make any call of this library except freeing the
/// engine or a tenant; the operations that it calls are not told. It must return: no exception and no longjmp may leave it.
/// A forked child is not told.
typedef void (*hj_observer)(void *user_data,
                            const hj_operation_report *report);

/// Frees what `observer_data` points to.
typedef void (*hj_observer_free)(void *user_data);

/// How to open an engine; see "Option structs".
typedef struct {
  /// sizeof(hj_open_options).
  size_t struct_size;
  /// "iss" of every access token, 1 to 255 bytes; default "https://api.hellojohn.dev". The engine refuses tokens of
  /// another issuer, so all processes on one database must use the same.
  hj_str issuer;
  /// How long a call waits for other writers, in this process and in others, before it fails with
  /// HJ_ERR_STORAGE_BUSY, in milliseconds; 0 means the default of 5 seconds, more than an hour means an hour. No
  /// number means "do not wait at all"; 1 comes close.
  uint64_t busy_timeout_ms;
  /// Another clock than the machine's, for tests; default NULL.
  const hj_clock *clock;
  /// How safe a change is when its call returns; default HJ_DURABILITY_FULL.
  hj_durability durability;
  /// How many verified access tokens and lists of users' sessions the engine keeps in memory; 0 means the default of 8192, a
  /// negative number means none, more than 1,000,000 means 1,000,000. Without claims of the host's own, a token takes some 4 KB of
  /// `token_cache_bytes`.
  int32_t token_cache_capacity;
  /// Which accounts of the system may open the files that the engine creates; default HJ_FILE_ACCESS_OWNER. Anything else
  /// together with a URL is HJ_ERR_VALIDATION_ERROR.
  hj_file_access file_access;
  /// How many sign-ins to one account may fail within `sign_in_window_s` before further ones are refused with
  /// HJ_ERR_TOO_MANY_REQUESTS, at most 1000; 0 means the default of 10.
  uint32_t sign_in_account_limit;
  /// The same for sign-ins from one address (an IPv6 address counts by its first 64 bits), at most 1000; 0 means the
  /// default of 100.
  uint32_t sign_in_address_limit;
  /// For how many seconds a failed sign-in counts, at most a day; 0 means the default of 15 minutes.
  uint32_t sign_in_window_s;
  /// 1 lets any number of sign-ins fail; default 0.
  int32_t sign_in_unlimited;
  /// By how many seconds the machine's clock may be set ahead while the engine is open; 0 means the default of an hour.
  /// After a larger step every call fails with HJ_ERR_CLOCK_JUMP until the clock is set back, hj_engine_lower_clock_mark
  /// is called or the process restarts. Sleep of the machine is no step.
  uint64_t max_clock_jump_s;
  /// How many bytes of memory the kept tokens and lists may occupy; 0 means the default of 32 MiB. Lists take at most a quarter of
  /// this and of `token_cache_capacity`, and displace no token. What does not fit is not kept.
  uint64_t token_cache_bytes;
  /// 1 opens a database on a network file system or one in user space (NFS, SMB, sshfs, virtiofs, …); 0, the default,
  /// makes that fail with HJ_ERR_STORAGE_IO. Processes that open it on more than one machine, or through more than one
  /// mount, corrupt it. Together with a URL, 1 is HJ_ERR_VALIDATION_ERROR.
  int32_t allow_network_file_system;
  /// How much is recorded of a tenant whose setting event_retention is set; default HJ_EVENTS_CHANGES.
  hj_event_detail events;
  /// Told after each operation; default NULL: no function is, and nothing is measured.
  hj_observer observer;
  /// What the library passes to `observer`. It must be good until `observer_free` gets it, or without one until the engine and all
  /// its tenants and REST APIs are freed.
  void *observer_data;
  /// Gets `observer_data` once, when no call can reach the observer any more, on the thread that frees the last handle;
  /// default NULL. The data of an engine that hj_engine_open has not opened stay the host's.
  hj_observer_free observer_free;
  /// How verifications over PostgreSQL are answered: "store", the default, asks the database each time; "lease:250ms" answers
  /// for 250 milliseconds from memory what the database has confirmed, calls that end a session return so much later, and
  /// no machine accepts the session after that; "stale:250ms" is the same without waiting, so that other processes may accept an ended
  /// session for 250 milliseconds. 25 to 5000 milliseconds. The parameter `verify` of the URL says the same: the two must not
  /// differ. For a file, anything but "store" is HJ_ERR_VALIDATION_ERROR.
  hj_str verify;
} hj_open_options;

/// Told that the answer of a call that was begun is there. See "Event loops" at the top of the header.
typedef void (*hj_completion)(void *user_data);

/// What a call says about a second factor: one of HJ_MFA_….
typedef int32_t hj_mfa;

/// What the host knows about a sign-in besides the user; everything is optional. See "Option structs".
typedef struct {
  /// sizeof(hj_create_options).
  size_t struct_size;
  /// The "User-Agent" header; at most 1024 bytes are kept.
  hj_str user_agent;
  /// The IPv4 or IPv6 address that the sign-in came from.
  hj_str ip_address;
  /// The country that the host derived from the address: two letters (ISO 3166-1 alpha-2).
  hj_str country;
  /// The kind of device; by default derived from the user agent and the client hints. One of "desktop",
  /// "mobile", "tablet", "bot" or "unknown".
  hj_str device_type;
  /// The host's own fingerprint of the device, at most 255 bytes.
  hj_str device_fingerprint;
  /// How long this session lasts, such as "24h", instead of the tenant's session duration.
  hj_str duration;
  /// The organisation that is active in the session, at most 255 bytes.
  hj_str org_id;
  /// The user's role, at most 255 bytes.
  hj_str role;
  /// The user's e-mail address, at most 320 bytes.
  hj_str email;
  /// The host's own claims: a JSON object of at most 4096 bytes, put at the top level of every access
  /// token.
  hj_str claims_json;
  /// Whether a second factor was passed.
  hj_mfa mfa_verified;
  /// The "Sec-CH-UA-Mobile" header: "?1" or "?0".
  hj_str sec_ch_ua_mobile;
  /// The "Sec-CH-UA-Platform" header, such as ""Android"", quotes included.
  hj_str sec_ch_ua_platform;
  /// The "Sec-CH-UA-Form-Factors" header, such as ""Tablet"", quotes included.
  hj_str sec_ch_ua_form_factors;
  /// The methods that the user has passed: names of RFC 8176 ("pwd", "otp", …) or the host's own, at most
  /// 8. Two kinds of them make the session "mfa_verified", unless that is said. As text with commas:
  /// "pwd,otp".
  hj_str factors;
  /// Who acts for the user, if another person does, 1 to 255 bytes. Such a session lasts
  /// "max_actor_duration" at most, and no cap knows it.
  hj_str actor_user_id;
  /// Why that person acts for the user, 1 to 255 bytes; must be given with "actor_user_id".
  hj_str actor_reason;
} hj_create_options;

/// Where a refresh comes from; everything is optional. See "Option structs".
typedef struct {
  /// sizeof(hj_refresh_options).
  size_t struct_size;
  /// The address of the client, recorded as last seen.
  hj_str ip_address;
  /// The User-Agent header of the client, recorded as last seen.
  hj_str user_agent;
} hj_refresh_options;

/// Told how far an import has come, after each batch of rows, on the thread of the call: `rows` of the source are dealt with.
/// It must return, without an exception.
typedef void (*hj_import_progress)(void *context,
                                   uint64_t rows);

/// How to import; everything is optional. See "Option structs".
typedef struct {
  /// sizeof(hj_import_options).
  size_t struct_size;
  /// Report what an import would do, and change nothing.
  bool dry_run;
  /// Fail at the first bad row, after the rows before it are imported. By default a bad row is reported and skipped.
  bool stop_at_bad_row;
  /// Told how far the import has come; NULL for none.
  hj_import_progress progress;
  /// Handed to `progress`.
  void *progress_context;
} hj_import_options;

/// What to change in a session; a member that is not given changes nothing. See "Option structs".
typedef struct {
  /// sizeof(hj_update_options).
  size_t struct_size;
  /// Another organisation.
  hj_str org_id;
  /// Another role.
  hj_str role;
  /// Other claims of the host; they replace all former ones.
  hj_str claims_json;
  /// Whether a second factor was passed.
  hj_mfa mfa_verified;
  /// What to clear: a sum of HJ_CLEAR_…. A field cannot be given and cleared at once.
  uint32_t clear;
  /// A method that the user has just passed, such as "otp": a name of RFC 8176 or the host's own, 1 to 64 letters, digits and
  /// "_.:/-". With another kind of factor before it, mfa_verified becomes true, unless `mfa_verified` says otherwise.
  hj_str factor;
} hj_update_options;

/// How to verify locally; everything is optional. See "Option structs".
typedef struct {
  /// sizeof(hj_verify_options).
  size_t struct_size;
  /// The "aud" to expect; by default the tenant's id, which the tenant's tokens carry.
  hj_str audience;
  /// For how many seconds after its end a token is still good, 0 to 60; default 0.
  uint64_t leeway_s;
} hj_verify_options;

/// How a user must have authenticated; everything is optional. See "Option structs".
typedef struct {
  /// sizeof(hj_required_auth).
  size_t struct_size;
  /// For how long a factor counts after it was passed, such as "5m"; without `factors`, any of them.
  hj_str max_age;
  /// The methods that must have been passed, all of them, such as "pwd,otp".
  hj_str factors;
  /// Whether a session in which another person acts for the user is refused; false by default.
  bool refuse_actor;
  /// The role that the user must have; not given: any role, or none.
  hj_str role;
  /// Whether a second factor must have been passed; false by default.
  bool mfa;
} hj_required_auth;

/// Which sessions a call is about: those for which every given member holds. See "Option structs".
///
/// A text that is given must have a value: an empty one is refused, as are members that no session can satisfy together.
typedef struct {
  /// sizeof(hj_session_filter).
  size_t struct_size;
  /// Sessions of this user.
  hj_str user_id;
  /// "active", "expired", "revoked" or "all"; by default "active", or "all" if `end_reason` is given.
  hj_str status;
  /// Sessions that signed in from one of these countries: "ES" or "ES,PT".
  hj_str country;
  /// All but those; also sessions whose country is not known.
  hj_str not_country;
  /// Sessions that signed in from this address or network: "203.0.113.9", "203.0.113.0/24", "2001:db8::/32".
  hj_str ip_address;
  /// All but those; also sessions whose address is not known.
  hj_str not_ip_address;
  /// Sessions on devices of this type: "desktop", "mobile", "tablet", "bot" or "unknown".
  hj_str device_type;
  /// Sessions whose user agent at sign-in contains this text, whatever the case of its letters; 1 to 1024 bytes.
  hj_str user_agent;
  /// Sessions in this organisation.
  hj_str org_id;
  /// Sessions with this role.
  hj_str role;
  /// Sessions that ended for this reason, such as "sign_out".
  hj_str end_reason;
  /// Sessions that signed in after this time, not at it, in milliseconds since the epoch; NULL for any time.
  const int64_t *created_after_at_ms;
  /// Sessions that signed in before this time, not at it; NULL for any time.
  const int64_t *created_before_at_ms;
  /// Sessions that were last active after this time, not at it; NULL for any time.
  const int64_t *last_active_after_at_ms;
  /// Sessions that were last active before this time, not at it; NULL for any time.
  const int64_t *last_active_before_at_ms;
  /// Sessions with a second factor (HJ_MFA_VERIFIED) or without one (HJ_MFA_NOT_VERIFIED); HJ_MFA_UNSAID for both.
  hj_mfa mfa_verified;
} hj_session_filter;

/// Which sessions to list; everything is optional. See "Option structs".
typedef struct {
  /// sizeof(hj_list_options).
  size_t struct_size;
  /// Only this user's; by default the whole tenant's.
  hj_str user_id;
  /// "active" (the default), "expired", "revoked" or "all".
  hj_str status;
  /// Where to continue: hj_page_next_cursor of the page before. A cursor works only for the list that it came from.
  hj_str cursor;
  /// At most this many sessions, 1 to 100; a larger number means 100, and a negative one is refused. 0 is "not given"
  /// and means the default of 20, so a host that passes on a number of its user must refuse a 0 itself.
  int64_t limit;
  /// What the sessions must be besides; NULL for no more. `user_id` and `status` may be given here or there.
  const hj_session_filter *filter;
} hj_list_options;

/// What a call that ends the sessions of a filter knows besides; everything is optional. See "Option structs".
typedef struct {
  /// sizeof(hj_revoke_where_options).
  size_t struct_size;
  /// hj_revoke_preview_plan of a preview with the same filter: only sessions that were there then end, and none does if
  /// more match now than the preview counted.
  hj_str plan;
} hj_revoke_where_options;

/// Which events to list; everything is optional. See "Option structs".
typedef struct {
  /// sizeof(hj_events_options).
  size_t struct_size;
  /// Only events with a higher number: hj_event_page_next_after of the page before. 0, the default, means all.
  uint64_t after;
  /// Only events of these types, separated by commas: "session.created,session.ended". By default every type.
  hj_str types;
  /// Only events about sessions of this user.
  hj_str user_id;
  /// Only events about this session.
  hj_str session_id;
  /// At most this many events, 1 to 100; a larger number means 100, and a negative one is refused. 0 is "not given" and
  /// means the default of 20, so a host that passes on a number of its user must refuse a 0 itself.
  int64_t limit;
} hj_events_options;

/// Told how far a copy has come, after each megabyte, on the thread of the call. It must return, without an exception.
typedef void (*hj_progress)(void *context,
                            uint64_t copied_bytes,
                            uint64_t total_bytes);

/// What a copy of a database is at: one of HJ_COPY_….
typedef int32_t hj_copy_phase;

/// Told how far a copy has come, after each thousand rows, on the thread of the call: `rows` of about `total_rows` of the phase,
/// which are 0 while they are being counted. A phase may come again if the source was changed meanwhile. It must return,
/// without an exception.
typedef void (*hj_copy_progress)(void *context,
                                 hj_copy_phase phase,
                                 uint64_t rows,
                                 uint64_t total_rows);

/// The host's check of credentials. It reads the sign-in and answers in one of three ways:
///
/// It calls hj_sign_in_accept: the credentials belong to this user, and the API signs the user in. It calls
/// hj_sign_in_fail: the host cannot tell, and the client gets a 500. It calls neither: the credentials belong to no
/// user, and the client gets a 401 without a reason. To hide which addresses have an account, take as long for an
/// unknown address as for a wrong password.
///
/// hj_rest_handle calls it on the thread of its caller and without a lock, so it may take its time and make any call of this
/// library except freeing the hj_rest; several threads may call it at once. It must return: no exception and no longjmp
/// may leave it.
typedef void (*hj_authenticate)(void *user_data,
                                hj_sign_in *sign_in);

/// How the REST API behaves; see "Option structs".
typedef struct {
  /// sizeof(hj_rest_options).
  size_t struct_size;
  /// A JSON object with these members, all optional:
  ///
  /// "cookie" (true, false, or an object with the optional "name", "domain", "path", "same_site" ("lax", "strict",
  /// "none"), "secure", "partitioned", "allowed_origins", "former" (objects with the optional "name", "domain", "path",
  /// "partitioned"), "access" (true, false, or an object with the optional "name")): with it, refresh tokens travel only in an HttpOnly cookie; by default no cookie is set. Its
  /// default is __Host-hj_refresh for the path "/". "former" lists cookies of former options, which are read too and
  /// then cleared. "access" adds a cookie of the access token, __Host-hj_access, for pages that a server renders:
  /// hj_rest_authorize reads it.
  ///
  /// "longest_requested_session" (a duration): by default a client cannot ask for longer than the tenant's
  /// session_duration.
  ///
  /// "mount_path" (such as "/api"): what stands in front of /v1 where clients see the API, if you strip it from the
  /// targets. A cookie's "path" must lead there.
  ///
  /// "admin" (true or false): false leaves out the routes that need the secret key (404) and refuses the key on the
  /// others.
  ///
  /// "public_revocations" (true or false): true lets every caller read /v1/revocations, without the secret key.
  ///
  /// "trailing_slash" (true or false): true lets paths end in one "/".
  ///
  /// "dashboard" (true or false): true serves the pages for operators under /dashboard/. They sign in with the secret key, so
  /// they need "admin". Serve them over HTTPS.
  hj_str settings_json;
  /// Checks the credentials of a sign-in; default NULL: the API answers a sign-in with 404.
  hj_authenticate authenticate;
  /// What the API passes to `authenticate`. It stays the host's, and must be good until the hj_rest is freed; if
  /// requests are begun, until the last handle of the engine is.
  void *user_data;
} hj_rest_options;

/// One header line.
typedef struct {
  /// The name, in any case.
  hj_str name;
  /// The value; not given counts as empty.
  hj_str value;
} hj_header;

/// A request as the client sent it; see "Option structs". Unlike other strings, those of a request need not be UTF-8:
/// they are the client's bytes.
typedef struct {
  /// sizeof(hj_rest_request).
  size_t struct_size;
  /// The method, such as "GET". Required.
  hj_str method;
  /// Path and query as the client sent them, nothing decoded: "/v1/sessions?user_id=usr_1". Required.
  hj_str target;
  /// The header lines as the client sent them: a line that came twice stands here twice. May be NULL if there are
  /// none.
  const hj_header *headers;
  /// How many header lines.
  size_t header_count;
  /// The body; not given counts as empty.
  hj_str body;
  /// The IPv4 or IPv6 address of the client, recorded with its session: the address of the socket, or the one that a
  /// proxy of your own reports. The API takes it from no header. Optional.
  hj_str client_address;
} hj_rest_request;

/// Which requests may pass; everything is optional. See "Option structs".
typedef struct {
  /// sizeof(hj_authorize_options).
  size_t struct_size;
  /// How the user must have authenticated; NULL: in any way.
  const hj_required_auth *required;
  /// Whether a request without a user passes; false by default. A bad bearer token is refused all the same, and cookies that sign
  /// no user in count as none.
  bool optional;
  /// Whether you send the header lines of the response with your own, whatever that is; false by default. Then the cookies of a
  /// page whose access token has expired are renewed. A host that loses them signs its users out.
  bool renew;
} hj_authorize_options;

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

/// The process forked after it had used the library: the child can use neither its parent's engines nor,
/// before `exec`, one of its own.
#define HJ_ERR_FORKED 26

/// A fault of the engine or of the machine's clock or entropy.
#define HJ_ERR_INTERNAL 27

/// Too many sign-ins have failed for the account or from the address; the error says after how many seconds
/// to try again.
#define HJ_ERR_TOO_MANY_REQUESTS 28

/// The machine's clock was set ahead by more than `max_clock_jump` while this process ran: nothing was
/// decided by it.
#define HJ_ERR_CLOCK_JUMP 29

/// The user must authenticate again, or with other factors; the error says with which, and how long ago that
/// may have been.
#define HJ_ERR_REAUTHENTICATION_REQUIRED 30

/// A change is on disk before its call returns: a power loss takes nothing back. The default.
#define HJ_DURABILITY_FULL 0

/// A change survives a crash of the process. A power loss may take back the last moments, but never corrupts the file.
#define HJ_DURABILITY_NORMAL 1

/// Only the account that runs the process: mode 0600. The default.
#define HJ_FILE_ACCESS_OWNER 0

/// The members of the file's group, too: mode 0660. Every process on a database has to write to it.
#define HJ_FILE_ACCESS_GROUP 1

/// Every change but the rotations of refresh tokens, which are many. The default.
#define HJ_EVENTS_CHANGES 0

/// Every change.
#define HJ_EVENTS_ALL 1

/// Not said: at a sign-in no second factor was passed, an update changes nothing.
#define HJ_MFA_UNSAID 0

/// A second factor was passed.
#define HJ_MFA_VERIFIED 1

/// No second factor was passed; an update takes an earlier one back.
#define HJ_MFA_NOT_VERIFIED 2

/// The rows of the source are counted and read for the first time.
#define HJ_COPY_COUNT 0

/// Rows are compared, and written where they differ.
#define HJ_COPY_ROWS 1

/// Both databases are read again and compared.
#define HJ_COPY_VERIFY 2

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/// @defgroup versions Versions
/// @{

/// The version of the library that is loaded, such as "0.1.0". Lives forever.
HJ_API
const char *hj_version(void);

/// The binary interface of the library that is loaded; compare it with HJ_ABI_VERSION.
HJ_API
uint32_t hj_abi_version(void);

/// @}

/// @defgroup errors Errors
/// @{

/// The name of a status as in every language, such as "session_revoked"; "ok" for HJ_OK; NULL for a number that this
/// library does not know. Lives forever.
HJ_API
const char *hj_status_name(hj_status status);

/// The HTTP status that fits, such as 401; 200 for HJ_OK; 500 for a number that this library does not know.
HJ_API
int32_t hj_status_http(hj_status status);

/// The status that the call returned; HJ_OK for NULL.
HJ_API
hj_status hj_error_status(const hj_error *error);

/// One line of English for a developer; NULL for a NULL error.
HJ_API
const char *hj_error_detail(const hj_error *error);

/// For HJ_ERR_VALIDATION_ERROR: the argument, member or setting that is wrong, such as "user_id", with which the detail begins; else,
/// and where no single one is, NULL.
HJ_API
const char *hj_error_field(const hj_error *error);

/// After how many seconds the same call may succeed, for HJ_ERR_TOO_MANY_REQUESTS; else 0.
HJ_API
uint64_t hj_error_retry_after_s(const hj_error *error);

/// For HJ_ERR_REAUTHENTICATION_REQUIRED: for how many seconds a factor counts after it was passed; else, and where that does
/// not matter, 0.
HJ_API
uint64_t hj_error_max_age_s(const hj_error *error);

/// For HJ_ERR_REAUTHENTICATION_REQUIRED: the methods that the user must have passed, such as "pwd,otp"; else, and where any
/// will do, NULL.
HJ_API
const char *hj_error_factors(const hj_error *error);

/// Frees an error; NULL is allowed.
HJ_API
void hj_error_free(hj_error *error);

/// @}

/// @defgroup clocks_for_tests Clocks for tests
/// @{

/// Makes a clock that shows this time.
HJ_API
hj_status hj_clock_new(int64_t now_at_ms,
                       hj_clock **clock,
                       hj_error **error);

/// The time that the clock shows; 0 for NULL.
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

/// @}

/// @defgroup engines Engines
/// @{

/// Opens the database file at this path and creates it if it does not exist; ":memory:" is a database that lives only
/// as long as the engine. Or opens the PostgreSQL database at this URL, which several machines may share, and makes its tables if
/// they are not there: "postgres://user:password@host:5432,standby:5432/name?schema=hellojohn".
///
/// `options` may be NULL. Fails with HJ_ERR_STORAGE_CORRUPT for a file that is damaged or not a database of HelloJohn,
/// HJ_ERR_STORAGE_TOO_NEW, HJ_ERR_STORAGE_READ_ONLY, HJ_ERR_STORAGE_IO (also on a network file system),
/// HJ_ERR_STORAGE_BUSY (also when another copy of SQLite in this process has the file open), HJ_ERR_FORKED,
/// HJ_ERR_VALIDATION_ERROR. For a URL, HJ_ERR_VALIDATION_ERROR also means an option about files, a URL that is not well formed and a
/// server that is no PostgreSQL of release 14 or later; HJ_ERR_STORAGE_IO means that the server refuses the login, or that none takes
/// writes within 30 seconds (or `busy_timeout_ms`, if that is longer). No error shows the password.
HJ_API
HJ_MUST_USE
hj_status hj_engine_open(hj_str database,
                         const hj_open_options *options,
                         hj_engine **engine,
                         hj_error **error);

/// Opens a handle for one tenant. The first use creates the tenant and its keys; afterwards the secret key ("sk_…", at
/// most 255 bytes) must be the same. Stretching the key takes some 20 ms: keep the handle. The handle keeps the
/// database open, also when the host frees the engine first.
///
/// A new tenant in a file needs a key of at least 22 characters after its prefix ("sk_live_", "sk_test_", else "sk_").
/// Make one with: echo "sk_live_$(openssl rand -hex 16)"
///
/// Fails with HJ_ERR_INVALID_API_KEY for a wrong secret key: nothing is created then; with HJ_ERR_VALIDATION_ERROR for
/// a new tenant's weak one.
HJ_API
HJ_MUST_USE
hj_status hj_engine_tenant(const hj_engine *engine,
                           hj_str tenant_id,
                           hj_str secret_key,
                           hj_tenant **tenant,
                           hj_error **error);

/// Returns to the time of the machine's clock after the clock had jumped forward by mistake: from now on every process
/// takes "now" from the clock again, which counts as right (HJ_ERR_CLOCK_JUMP ends). Sessions that the false time ended stay ended.
HJ_API
hj_status hj_engine_lower_clock_mark(const hj_engine *engine,
                                     hj_error **error);

/// Closes the engine: waits for the call that is writing, then releases the files. Later calls on the engine and its
/// tenants fail with HJ_ERR_ENGINE_CLOSED; closing again does nothing. The host still has to free the handles.
HJ_API
hj_status hj_engine_close(const hj_engine *engine,
                          hj_error **error);

/// Frees an engine; NULL is allowed. If it was not closed, the database closes when its last tenant is freed too.
HJ_API
void hj_engine_free(hj_engine *engine);

/// @}

/// @defgroup sessions Sessions
/// @{

/// Its id: "ses_" and a ULID. A name, never a credential.
HJ_API
const char *hj_session_id(const hj_session *session);

/// The user who signed in.
HJ_API
const char *hj_session_user_id(const hj_session *session);

/// The tenant that it belongs to.
HJ_API
const char *hj_session_tenant_id(const hj_session *session);

/// Its status. One of "active", "expired" or "revoked".
HJ_API
const char *hj_session_status(const hj_session *session);

/// The "User-Agent" header of the sign-in. NULL if there is none.
HJ_API
const char *hj_session_user_agent(const hj_session *session);

/// The address of the sign-in, in canonical form. NULL if there is none.
HJ_API
const char *hj_session_ip_address(const hj_session *session);

/// The country of the sign-in as the host gave it: two letters (ISO 3166-1 alpha-2). NULL if there is none.
HJ_API
const char *hj_session_country(const hj_session *session);

/// The kind of device, given or derived from the user agent. One of "desktop", "mobile", "tablet", "bot" or
/// "unknown".
HJ_API
const char *hj_session_device_type(const hj_session *session);

/// The host's fingerprint of the device. NULL if there is none.
HJ_API
const char *hj_session_device_fingerprint(const hj_session *session);

/// The sign-in.
HJ_API
int64_t hj_session_created_at_ms(const hj_session *session);

/// The sign-in or the last rotation of the refresh token; verifying never moves it.
HJ_API
int64_t hj_session_last_active_at_ms(const hj_session *session);

/// The end of the session, and of its refresh token with it; fixed at sign-in.
HJ_API
int64_t hj_session_expires_at_ms(const hj_session *session);

/// When its newest access token expires.
HJ_API
int64_t hj_session_access_expires_at_ms(const hj_session *session);

/// When it was revoked: only if its status is "revoked". 0 if there is none.
HJ_API
int64_t hj_session_revoked_at_ms(const hj_session *session);

/// Why it ended. One of "sign_out", "revoked", "revoke_all", "revoke_tenant", "max_sessions", "idle_timeout",
/// "refresh_token_reuse", "restored" or "expired". NULL if there is none.
HJ_API
const char *hj_session_end_reason(const hj_session *session);

/// The organisation that is active in the session, at most 255 bytes. NULL if there is none.
HJ_API
const char *hj_session_org_id(const hj_session *session);

/// The user's role, at most 255 bytes. NULL if there is none.
HJ_API
const char *hj_session_role(const hj_session *session);

/// Whether a second factor was passed.
HJ_API
bool hj_session_mfa_verified(const hj_session *session);

/// The user's e-mail address, at most 320 bytes. NULL if there is none.
HJ_API
const char *hj_session_email(const hj_session *session);

/// The host's own claims: a JSON object of at most 4096 bytes, put at the top level of every access token.
HJ_API
const char *hj_session_claims_json(const hj_session *session);

/// When the user authenticated: the sign-in, or the factor that was passed last. A refresh never moves it.
HJ_API
int64_t hj_session_auth_time_ms(const hj_session *session);

/// How many methods the user has passed, at most 8.
HJ_API
size_t hj_session_factor_count(const hj_session *session);

/// A method that the user has passed, such as "otp", the newest last; NULL past the end.
HJ_API
const char *hj_session_factor_method(const hj_session *session,
                                     size_t index);

/// When the user has passed that method last; 0 past the end.
HJ_API
int64_t hj_session_factor_at_ms(const hj_session *session,
                                size_t index);

/// The address last seen: of the newest refresh that gave one, else of the sign-in. NULL if there is none.
HJ_API
const char *hj_session_last_ip_address(const hj_session *session);

/// The user agent last seen: of the newest refresh that gave one, else of the sign-in. NULL if there is none.
HJ_API
const char *hj_session_last_user_agent(const hj_session *session);

/// Whether its status is "active".
HJ_API
bool hj_session_is_active(const hj_session *session);

/// Who acts for the user in this session. NULL if no other person does.
HJ_API
const char *hj_session_actor_user_id(const hj_session *session);

/// Why that person acts for the user. NULL if none does.
HJ_API
const char *hj_session_actor_reason(const hj_session *session);

/// Frees the object; NULL is allowed.
HJ_API
void hj_session_free(hj_session *session);

/// @}

/// @defgroup grants Grants
/// @{

/// The session; it lives inside the grant.
HJ_API
const hj_session *hj_grant_session(const hj_grant *grant);

/// The access token (JWT).
HJ_API
const char *hj_grant_access_token(const hj_grant *grant);

/// The session's live refresh token ("rt_…"); NULL after an update, which leaves the refresh token as it is.
HJ_API
const char *hj_grant_refresh_token(const hj_grant *grant);

/// The lifetime of the access token in seconds ("expires_in" of RFC 6749).
HJ_API
uint64_t hj_grant_expires_in_s(const hj_grant *grant);

/// How many ids there are of older sessions that this sign-in revoked to keep max_sessions_per_user. Of more than 500, as
/// after that was lowered, there are the ids of the newest 500.
HJ_API
size_t hj_grant_evicted_count(const hj_grant *grant);

/// The id of an evicted session, oldest first; NULL past the end.
HJ_API
const char *hj_grant_evicted(const hj_grant *grant,
                             size_t index);

/// Frees a grant with its session and wipes its tokens; NULL is allowed.
HJ_API
void hj_grant_free(hj_grant *grant);

/// @}

/// @defgroup claims_of_access_tokens Claims of access tokens
/// @{

/// "sub": the user.
HJ_API
const char *hj_claims_user_id(const hj_claims *claims);

/// "session_id": the session.
HJ_API
const char *hj_claims_session_id(const hj_claims *claims);

/// "tenant_id": the tenant.
HJ_API
const char *hj_claims_tenant_id(const hj_claims *claims);

/// "org_id": the organisation that was active. NULL if there is none.
HJ_API
const char *hj_claims_org_id(const hj_claims *claims);

/// "role": the user's role. NULL if there is none.
HJ_API
const char *hj_claims_role(const hj_claims *claims);

/// "mfa_verified": whether a second factor was passed.
HJ_API
bool hj_claims_mfa_verified(const hj_claims *claims);

/// "auth_time": when the user authenticated, a whole second. Tokens of earlier releases do not say it. 0 if
/// there is none.
HJ_API
int64_t hj_claims_auth_time_ms(const hj_claims *claims);

/// How many methods the user has passed, at most 8.
HJ_API
size_t hj_claims_factor_count(const hj_claims *claims);

/// A method that the user has passed, such as "otp", the newest last; NULL past the end.
HJ_API
const char *hj_claims_factor_method(const hj_claims *claims,
                                    size_t index);

/// When the user has passed that method last; 0 past the end.
HJ_API
int64_t hj_claims_factor_at_ms(const hj_claims *claims,
                               size_t index);

/// "act.sub": who acts for the user, if another person does. NULL if there is none.
HJ_API
const char *hj_claims_actor_user_id(const hj_claims *claims);

/// "email": the user's e-mail address. NULL if there is none.
HJ_API
const char *hj_claims_email(const hj_claims *claims);

/// "iat": when the token was issued, a whole second.
HJ_API
int64_t hj_claims_issued_at_ms(const hj_claims *claims);

/// "exp": from when it is no longer good, a whole second.
HJ_API
int64_t hj_claims_expires_at_ms(const hj_claims *claims);

/// "jti": the id of the token.
HJ_API
const char *hj_claims_token_id(const hj_claims *claims);

/// The whole payload, the host's own claims included.
HJ_API
const char *hj_claims_payload_json(const hj_claims *claims);

/// Whether the token was issued before the last update of its session: the client should refresh, and the
/// session says what holds now. Always false after hj_tenant_verify_locally.
HJ_API
bool hj_claims_outdated(const hj_claims *claims);

/// Frees the object; NULL is allowed.
HJ_API
void hj_claims_free(hj_claims *claims);

/// @}

/// @defgroup observers Observers
/// @{

/// The name of the operation, such as "create"; docs/OBSERVABILITY.md lists them.
HJ_API
const char *hj_operation_report_operation(const hj_operation_report *report);

/// The tenant; NULL for an operation of the whole engine.
HJ_API
const char *hj_operation_report_tenant_id(const hj_operation_report *report);

/// How the operation ended: HJ_OK, or why it was refused or failed.
HJ_API
hj_status hj_operation_report_status(const hj_operation_report *report);

/// How long the operation took, in nanoseconds; with a clock of the host's, by that one.
HJ_API
uint64_t hj_operation_report_duration_ns(const hj_operation_report *report);

/// How many sessions, keys or events the answer tells of, or were changed; 0 for an operation that did not succeed.
HJ_API
uint64_t hj_operation_report_rows(const hj_operation_report *report);

/// Whether the engine had the answer, of a token or a list, in its cache.
HJ_API
bool hj_operation_report_is_from_cache(const hj_operation_report *report);

/// @}

/// @defgroup pages_of_sessions Pages of sessions
/// @{

/// How many sessions are on the page.
HJ_API
size_t hj_page_count(const hj_page *page);

/// A session of the page, by index; it lives inside the page. NULL past the end.
HJ_API
const hj_session *hj_page_session(const hj_page *page,
                                  size_t index);

/// The cursor of the next page; NULL on the last page, and only there: a page may be short or empty before it.
HJ_API
const char *hj_page_next_cursor(const hj_page *page);

/// Frees a page with its sessions; NULL is allowed.
HJ_API
void hj_page_free(hj_page *page);

/// @}

/// @defgroup calls_that_were_begun Calls that were begun
/// @{

/// Waits for a count that was begun, once: how many sessions match, and for a preview the preview.
///
/// `count` and `preview` may be NULL; `preview` stays NULL for a hj_tenant_begin_count. Fails as hj_tenant_count or
/// hj_tenant_preview_revoke_where does, and with HJ_ERR_VALIDATION_ERROR for a count that was waited for before.
HJ_API
HJ_MUST_USE
hj_status hj_pending_count_wait(const hj_pending_count *counting,
                                uint64_t *count,
                                hj_revoke_preview **preview,
                                hj_error **error);

/// Has a thread of the library count and call `completion` once with `user_data` then, so that hj_pending_count_wait does not wait.
/// "Event loops" at the top of this header says what a completion may do.
///
/// Fails as hj_pending_read_notify does.
HJ_API
HJ_MUST_USE
hj_status hj_pending_count_notify(const hj_pending_count *counting,
                                  hj_completion completion,
                                  void *user_data,
                                  hj_error **error);

/// Frees a count, waited for or not; NULL is allowed. One that a thread of the library is at goes on to its end. Its completion is not
/// called any more once this has returned.
HJ_API
void hj_pending_count_free(hj_pending_count *counting);

/// @}

/// @addtogroup engines
/// @{

/// Begins a hj_engine_open, without waiting for the disk or a server.
///
/// `options` may be NULL. From HJ_OK on, `observer_data` are the library's: `observer_free` gets them also if the engine cannot be
/// opened and if the opening is freed. An opening that is freed while a thread of the library is at it is carried out, and the
/// engine closes at once. Fails with HJ_ERR_VALIDATION_ERROR for an option that cannot be read; every other error comes from
/// hj_pending_open_wait.
HJ_API
HJ_MUST_USE
hj_status hj_engine_begin_open(hj_str database,
                               const hj_open_options *options,
                               hj_pending_open **opening,
                               hj_error **error);

/// Begins a hj_engine_tenant, without waiting for the disk or a server, and without stretching the key on this thread.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from hj_pending_open_wait.
HJ_API
HJ_MUST_USE
hj_status hj_engine_begin_tenant(const hj_engine *engine,
                                 hj_str tenant_id,
                                 hj_str secret_key,
                                 hj_pending_open **opening,
                                 hj_error **error);

/// @}

/// @addtogroup calls_that_were_begun
/// @{

/// Waits for what is opened, once: the output and the errors are those of the call that was begun, and the other output stays
/// NULL.
///
/// `engine` and `tenant` may be NULL; what is opened then is freed at once. Fails as hj_engine_open or hj_engine_tenant does, and
/// with HJ_ERR_VALIDATION_ERROR for an opening that was waited for before.
HJ_API
HJ_MUST_USE
hj_status hj_pending_open_wait(const hj_pending_open *opening,
                               hj_engine **engine,
                               hj_tenant **tenant,
                               hj_error **error);

/// Has a thread of the library open the engine or the tenant and call `completion` once with `user_data` then, so that
/// hj_pending_open_wait does not wait. "Event loops" at the top of this header says what a completion may do.
///
/// Fails as hj_pending_read_notify does.
HJ_API
HJ_MUST_USE
hj_status hj_pending_open_notify(const hj_pending_open *opening,
                                 hj_completion completion,
                                 void *user_data,
                                 hj_error **error);

/// Frees an opening, waited for or not; NULL is allowed. What was opened and not taken is freed with it. Its completion is not
/// called any more once this has returned.
HJ_API
void hj_pending_open_free(hj_pending_open *opening);

/// Waits for the answer of a read that was begun, once: the outputs and errors are those of the call that it began, and
/// outputs which that call does not have stay NULL.
///
/// `session`, `claims` and `page` may be NULL. Fails as hj_tenant_get, hj_tenant_list, hj_tenant_verify_session,
/// hj_tenant_verify_access_token or hj_tenant_require_auth does, and with HJ_ERR_VALIDATION_ERROR for a read that was waited for
/// before.
HJ_API
HJ_MUST_USE
hj_status hj_pending_read_wait(const hj_pending_read *read,
                               hj_session **session,
                               hj_claims **claims,
                               hj_page **page,
                               hj_error **error);

/// Has a thread of the library wait for the answer and call `completion` once with `user_data` then, so that
/// hj_pending_read_wait does not wait. "Event loops" at the top of this header says what a completion may do.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for a NULL completion, a second one and a read that was waited for before; with
/// HJ_ERR_FORKED; with HJ_ERR_INTERNAL where the system refuses a thread. The completion is not called then.
HJ_API
HJ_MUST_USE
hj_status hj_pending_read_notify(const hj_pending_read *read,
                                 hj_completion completion,
                                 void *user_data,
                                 hj_error **error);

/// Frees a read, waited for or not; NULL is allowed. Its completion is not called any more once this has returned.
HJ_API
void hj_pending_read_free(hj_pending_read *read);

/// @}

/// @defgroup tenants Tenants
/// @{

/// Begins a hj_tenant_begin_sign_in, without waiting for the disk. Check no credentials before hj_pending_sign_in_wait has
/// answered.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for a text that cannot be read; every other error comes from hj_pending_sign_in_wait.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_begin_sign_in_attempt(const hj_tenant *tenant,
                                          hj_str account,
                                          hj_str client_address,
                                          hj_pending_sign_in **sign_in,
                                          hj_error **error);

/// @}

/// @addtogroup calls_that_were_begun
/// @{

/// Waits for the attempt, once.
///
/// Fails as hj_tenant_begin_sign_in does, and with HJ_ERR_VALIDATION_ERROR for a sign-in that was waited for before.
HJ_API
HJ_MUST_USE
hj_status hj_pending_sign_in_wait(const hj_pending_sign_in *sign_in,
                                  hj_sign_in_attempt **attempt,
                                  hj_error **error);

/// Has a thread of the library begin the sign-in and call `completion` once with `user_data` then, so that hj_pending_sign_in_wait
/// does not wait. "Event loops" at the top of this header says what a completion may do.
///
/// Fails as hj_pending_read_notify does.
HJ_API
HJ_MUST_USE
hj_status hj_pending_sign_in_notify(const hj_pending_sign_in *sign_in,
                                    hj_completion completion,
                                    void *user_data,
                                    hj_error **error);

/// Frees a sign-in that was begun, waited for or not; NULL is allowed. One whose attempt was not taken may stay counted as failed.
/// Its completion is not called any more once this has returned.
HJ_API
void hj_pending_sign_in_free(hj_pending_sign_in *sign_in);

/// Waits for the answer of a change that was begun, once: the outputs and errors are those of the call that it began, and
/// outputs which that call does not have stay NULL or 0.
///
/// `grant` and `ended` may be NULL. Fails as the call that was begun does, and with HJ_ERR_VALIDATION_ERROR for a change that was
/// waited for before.
HJ_API
HJ_MUST_USE
hj_status hj_pending_write_wait(const hj_pending_write *write,
                                hj_grant **grant,
                                uint64_t *ended,
                                hj_error **error);

/// Has a thread of the library wait for the answer and call `completion` once with `user_data` then, so that
/// hj_pending_write_wait does not wait. "Event loops" at the top of this header says what a completion may do.
///
/// Fails as hj_pending_read_notify does.
HJ_API
HJ_MUST_USE
hj_status hj_pending_write_notify(const hj_pending_write *write,
                                  hj_completion completion,
                                  void *user_data,
                                  hj_error **error);

/// Frees a change, waited for or not; NULL is allowed. One whose answer is not there either happens or does not. Its completion
/// is not called any more once this has returned.
HJ_API
void hj_pending_write_free(hj_pending_write *write);

/// @}

/// @defgroup previews_of_revocations Previews of revocations
/// @{

/// How many sessions match.
HJ_API
uint64_t hj_revoke_preview_count(const hj_revoke_preview *preview);

/// How many of them the preview shows: at most 20, the newest.
HJ_API
size_t hj_revoke_preview_sample_count(const hj_revoke_preview *preview);

/// One of them, by index, newest first; it lives inside the preview. NULL past the end.
HJ_API
const hj_session *hj_revoke_preview_sample(const hj_revoke_preview *preview,
                                           size_t index);

/// The plan for hj_tenant_revoke_where: names the filter, the instant and the count of this preview.
HJ_API
const char *hj_revoke_preview_plan(const hj_revoke_preview *preview);

/// Frees a preview with its sessions; NULL is allowed.
HJ_API
void hj_revoke_preview_free(hj_revoke_preview *preview);

/// @}

/// @defgroup settings Settings
/// @{

/// How long a session lasts after sign-in; default 30 days. Binds at sign-in.
HJ_API
uint64_t hj_config_session_duration_s(const hj_config *config);

/// How long an access token lasts; default 1 hour. Binds at the next token.
HJ_API
uint64_t hj_config_access_token_ttl_s(const hj_config *config);

/// After how long without a refresh a session is revoked; default never. Binds at once. 0 if there is none.
HJ_API
uint64_t hj_config_idle_timeout_s(const hj_config *config);

/// How many active sessions a user may have, at least 1; default unlimited. Binds at the user's next sign-in.
/// 0 if there is none.
HJ_API
uint64_t hj_config_max_sessions_per_user(const hj_config *config);

/// For how long after a rotation the former refresh token still answers with the same successor, 0 to 60
/// seconds; default 10 seconds.
HJ_API
uint64_t hj_config_refresh_reuse_window_s(const hj_config *config);

/// For how long events are kept; default null: none are recorded. Binds at once: what happens afterwards is
/// recorded. 0 if there is none.
HJ_API
uint64_t hj_config_event_retention_s(const hj_config *config);

/// After how long the record of an ended session is deleted by maintenance; default never. 0 if there is
/// none.
HJ_API
uint64_t hj_config_record_retention_s(const hj_config *config);

/// Whether the ends of sessions are listed for verifiers away from the engine; default false. Binds at once:
/// the list begins with what ends afterwards.
HJ_API
bool hj_config_revocation_list(const hj_config *config);

/// How long a session may last in which another person acts for the user; default 1 hour. Binds when it
/// starts.
HJ_API
uint64_t hj_config_max_actor_duration_s(const hj_config *config);

/// The settings as a JSON object, durations as they were given: {"session_duration":"30d", …}.
HJ_API
const char *hj_config_json(const hj_config *config);

/// What is allowed and probably not meant, as a JSON array of words; "[]" if there is nothing.
/// "idle_timeout_below_two_access_tokens": a user who is at work may be signed out, because only a refresh
/// counts as use.
HJ_API
const char *hj_config_warnings_json(const hj_config *config);

/// Frees the object; NULL is allowed.
HJ_API
void hj_config_free(hj_config *config);

/// @}

/// @defgroup counts Counts
/// @{

/// How many periods there are.
HJ_API
size_t hj_stats_periods_count(const hj_stats_periods *stats_periods);

/// When it begins; this instant itself belongs to the period before.
HJ_API
int64_t hj_stats_periods_begins_at_ms(const hj_stats_periods *stats_periods,
                                      size_t index);

/// When it ends; the last period ends at the engine's now.
HJ_API
int64_t hj_stats_periods_ends_at_ms(const hj_stats_periods *stats_periods,
                                    size_t index);

/// Sign-ins.
HJ_API
uint64_t hj_stats_periods_created(const hj_stats_periods *stats_periods,
                                  size_t index);

/// Sessions that were active at its end.
HJ_API
uint64_t hj_stats_periods_active(const hj_stats_periods *stats_periods,
                                 size_t index);

/// Sessions that ended.
HJ_API
uint64_t hj_stats_periods_ended(const hj_stats_periods *stats_periods,
                                size_t index);

/// Of these: the device signed out.
HJ_API
uint64_t hj_stats_periods_ended_sign_out(const hj_stats_periods *stats_periods,
                                         size_t index);

/// Of these: ended by request, one session or those of a filter.
HJ_API
uint64_t hj_stats_periods_ended_revoked(const hj_stats_periods *stats_periods,
                                        size_t index);

/// Of these: all sessions of the user were ended.
HJ_API
uint64_t hj_stats_periods_ended_revoke_all(const hj_stats_periods *stats_periods,
                                           size_t index);

/// Of these: all sessions of the tenant were ended.
HJ_API
uint64_t hj_stats_periods_ended_revoke_tenant(const hj_stats_periods *stats_periods,
                                              size_t index);

/// Of these: replaced by a newer sign-in under the cap.
HJ_API
uint64_t hj_stats_periods_ended_max_sessions(const hj_stats_periods *stats_periods,
                                             size_t index);

/// Of these: idle for too long.
HJ_API
uint64_t hj_stats_periods_ended_idle_timeout(const hj_stats_periods *stats_periods,
                                             size_t index);

/// Of these: an old refresh token was presented.
HJ_API
uint64_t hj_stats_periods_ended_refresh_token_reuse(const hj_stats_periods *stats_periods,
                                                    size_t index);

/// Of these: ended by the restore of a backup.
HJ_API
uint64_t hj_stats_periods_ended_restored(const hj_stats_periods *stats_periods,
                                         size_t index);

/// Of these: reached their end.
HJ_API
uint64_t hj_stats_periods_ended_expired(const hj_stats_periods *stats_periods,
                                        size_t index);

/// Frees the object; NULL is allowed.
HJ_API
void hj_stats_periods_free(hj_stats_periods *stats_periods);

/// @}

/// @defgroup signing_keys Signing keys
/// @{

/// How many keys there are.
HJ_API
size_t hj_keys_count(const hj_keys *keys);

/// Its id, the "kid" of its tokens: "key_" and a ULID.
HJ_API
const char *hj_keys_kid(const hj_keys *keys,
                        size_t index);

/// Its state. One of "next", "active", "retiring" or "retired".
HJ_API
const char *hj_keys_state(const hj_keys *keys,
                          size_t index);

/// When it was made.
HJ_API
int64_t hj_keys_created_at_ms(const hj_keys *keys,
                              size_t index);

/// Of an active or retiring key: when it began to sign. 0 if there is none.
HJ_API
int64_t hj_keys_activated_at_ms(const hj_keys *keys,
                                size_t index);

/// Of a retiring key: when another key took over. Absent where the records of retired keys cannot tell. 0 if
/// there is none.
HJ_API
int64_t hj_keys_retiring_at_ms(const hj_keys *keys,
                               size_t index);

/// Of a retiring key: when the last token that it signed expires, and it leaves the JWK Set. 0 if there is
/// none.
HJ_API
int64_t hj_keys_leaves_at_ms(const hj_keys *keys,
                             size_t index);

/// Frees the object; NULL is allowed.
HJ_API
void hj_keys_free(hj_keys *keys);

/// @}

/// @defgroup the_revocation_list The revocation list
/// @{

/// The signed list: a JWS whose "typ" is "hellojohn-revocations+jwt", under the tenant's active key.
HJ_API
const char *hj_revocation_list_list(const hj_revocation_list *revocation_list);

/// It tells what was added after this number; 0 for a list from its beginning.
HJ_API
uint64_t hj_revocation_list_since(const hj_revocation_list *revocation_list);

/// The number to ask with for what was added later.
HJ_API
uint64_t hj_revocation_list_seq(const hj_revocation_list *revocation_list);

/// Whether there is more now: ask again at once.
HJ_API
bool hj_revocation_list_has_more(const hj_revocation_list *revocation_list);

/// Frees the object; NULL is allowed.
HJ_API
void hj_revocation_list_free(hj_revocation_list *revocation_list);

/// @}

/// @addtogroup counts
/// @{

/// Sessions that are active.
HJ_API
uint64_t hj_stats_active(const hj_stats *stats);

/// Sessions that reached their end.
HJ_API
uint64_t hj_stats_expired(const hj_stats *stats);

/// Sessions that were ended before it.
HJ_API
uint64_t hj_stats_revoked(const hj_stats *stats);

/// Sign-ins of the last 24 hours.
HJ_API
uint64_t hj_stats_created_last_24h(const hj_stats *stats);

/// The size of the whole database in bytes, without the write-ahead log.
HJ_API
uint64_t hj_stats_database_bytes(const hj_stats *stats);

/// The size of the write-ahead log in bytes. Up to some 100 MB are normal: the log is reused from its
/// beginning, not cut. Far more means that a reader of another program holds on to an old state.
HJ_API
uint64_t hj_stats_log_bytes(const hj_stats *stats);

/// The earliest end by the clock that no sweep has written down yet. 0 if there is none.
HJ_API
int64_t hj_stats_oldest_unswept_at_ms(const hj_stats *stats);

/// By how many milliseconds the highest time that the database has seen is ahead of the clock; 0 if it is
/// not. The database keeps to that time: see "lower_clock_mark".
HJ_API
uint64_t hj_stats_clock_ahead_ms(const hj_stats *stats);

/// The number of the newest event, also of one that was deleted; 0 before the first.
HJ_API
uint64_t hj_stats_newest_event(const hj_stats *stats);

/// The number of the newest event that is sealed; 0 before the first seal.
HJ_API
uint64_t hj_stats_newest_sealed_event(const hj_stats *stats);

/// Frees the object; NULL is allowed.
HJ_API
void hj_stats_free(hj_stats *stats);

/// @}

/// @defgroup events Events
/// @{

/// Its number: the events of a tenant are counted from 1 in the order of their commits, without a gap.
HJ_API
uint64_t hj_event_seq(const hj_event *event);

/// Its id: "evt_" and a ULID of the time at which it was recorded.
HJ_API
const char *hj_event_id(const hj_event *event);

/// What it tells of. One of "session.created", "session.refreshed", "session.adopted", "session.updated",
/// "session.ended", "session.purged", "config.updated", "key.rotated", "key.retired", "secret_key.changed",
/// "refresh_key.rotated", "tenant.imported" or "database.restored".
HJ_API
const char *hj_event_type(const hj_event *event);

/// When it happened. An end by the clock may have been recorded later than it happened.
HJ_API
int64_t hj_event_at_ms(const hj_event *event);

/// The session that it is about. NULL if there is none.
HJ_API
const char *hj_event_session_id(const hj_event *event);

/// The user of that session. NULL if there is none.
HJ_API
const char *hj_event_user_id(const hj_event *event);

/// Who did it, as the host has named them; absent for what the clock did, and where the host named none. NULL
/// if there is none.
HJ_API
const char *hj_event_actor(const hj_event *event);

/// More about it; "docs/SPEC.md", section 10, lists the members by type.
HJ_API
const char *hj_event_data_json(const hj_event *event);

/// The hash that chains it to the event before it; absent until it is sealed. NULL if there is none.
HJ_API
const char *hj_event_hash(const hj_event *event);

/// Frees the object; NULL is allowed.
HJ_API
void hj_event_free(hj_event *event);

/// How many events are on the page.
HJ_API
size_t hj_event_page_count(const hj_event_page *page);

/// An event of the page, by index; it lives inside the page. NULL past the end.
HJ_API
const hj_event *hj_event_page_event(const hj_event_page *page,
                                    size_t index);

/// The number of the last event that the page looked at: `after` of the page that follows.
HJ_API
uint64_t hj_event_page_next_after(const hj_event_page *page);

/// Whether there were more events to look at; a page may be short or empty before them.
HJ_API
bool hj_event_page_has_more(const hj_event_page *page);

/// Frees a page with its events; NULL is allowed.
HJ_API
void hj_event_page_free(hj_event_page *page);

/// @}

/// @defgroup explanations Explanations
/// @{

/// The session.
HJ_API
const char *hj_explanation_session_id(const hj_explanation *explanation);

/// Its user.
HJ_API
const char *hj_explanation_user_id(const hj_explanation *explanation);

/// The engine's now: what the explanation is of.
HJ_API
int64_t hj_explanation_explained_at_ms(const hj_explanation *explanation);

/// Its status. One of "active", "expired" or "revoked".
HJ_API
const char *hj_explanation_status(const hj_explanation *explanation);

/// Why it ended. One of "sign_out", "revoked", "revoke_all", "revoke_tenant", "max_sessions", "idle_timeout",
/// "refresh_token_reuse", "restored" or "expired". NULL if there is none.
HJ_API
const char *hj_explanation_end_reason(const hj_explanation *explanation);

/// When it ended. An idle session ended at the last instant at which it could have been refreshed. 0 if there
/// is none.
HJ_API
int64_t hj_explanation_ended_at_ms(const hj_explanation *explanation);

/// Of an active session: what ends it first. One of "session_duration" or "idle_timeout". NULL if there is
/// none.
HJ_API
const char *hj_explanation_ends_by(const hj_explanation *explanation);

/// Of an active session: the instant from which on it is over by the clock. 0 if there is none.
HJ_API
int64_t hj_explanation_ends_at_ms(const hj_explanation *explanation);

/// Of an active session: the instant from which on it is over because it reached its end. 0 if there is none.
HJ_API
int64_t hj_explanation_duration_ends_at_ms(const hj_explanation *explanation);

/// Of an active session: the instant from which on it is over because it was idle; absent without an idle
/// time-out, and where the session reaches its end before. 0 if there is none.
HJ_API
int64_t hj_explanation_idle_timeout_ends_at_ms(const hj_explanation *explanation);

/// The instant from which on its newest access token is refused everywhere. Until then local verification
/// accepts it, also after the end of the session.
HJ_API
int64_t hj_explanation_access_token_ends_at_ms(const hj_explanation *explanation);

/// Of an active session: its place among the user's active ones, the oldest of which has 1. 0 if there is
/// none.
HJ_API
uint64_t hj_explanation_rank(const hj_explanation *explanation);

/// Of an active session: how many active ones its user has. 0 if there is none.
HJ_API
uint64_t hj_explanation_active_sessions(const hj_explanation *explanation);

/// The cap: how many active sessions a user may have. 0 if there is none.
HJ_API
uint64_t hj_explanation_max_sessions_per_user(const hj_explanation *explanation);

/// Of an active session under a cap: which of the user's next sign-ins ends it, 1 for the very next, if no
/// session ends before. 0 if there is none.
HJ_API
uint64_t hj_explanation_evicted_by_sign_in(const hj_explanation *explanation);

/// How its live refresh token would be answered now. One of "rotated", "replayed", "refresh_token_reused",
/// "session_revoked" or "session_expired".
HJ_API
const char *hj_explanation_live_token(const hj_explanation *explanation);

/// From which instant on it would be answered otherwise; absent if it never is. 0 if there is none.
HJ_API
int64_t hj_explanation_live_token_until_at_ms(const hj_explanation *explanation);

/// How the refresh token before that would be answered now; absent if there was none. One of "rotated",
/// "replayed", "refresh_token_reused", "session_revoked" or "session_expired". NULL if there is none.
HJ_API
const char *hj_explanation_former_token(const hj_explanation *explanation);

/// From which instant on it would be answered otherwise; absent if it never is. 0 if there is none.
HJ_API
int64_t hj_explanation_former_token_until_at_ms(const hj_explanation *explanation);

/// How often the former token would still be answered so; absent if it would not be replayed. 0 if there is
/// none.
HJ_API
uint64_t hj_explanation_replays_left(const hj_explanation *explanation);

/// How a still older refresh token would be answered now; absent if there was none. One of "rotated",
/// "replayed", "refresh_token_reused", "session_revoked" or "session_expired". NULL if there is none.
HJ_API
const char *hj_explanation_older_token(const hj_explanation *explanation);

/// From which instant on it would be answered otherwise; absent if it never is. 0 if there is none.
HJ_API
int64_t hj_explanation_older_token_until_at_ms(const hj_explanation *explanation);

/// Who acts for the user in the session. NULL if no other person does.
HJ_API
const char *hj_explanation_actor_user_id(const hj_explanation *explanation);

/// Why that person acts for the user. NULL if none does.
HJ_API
const char *hj_explanation_actor_reason(const hj_explanation *explanation);

/// Frees the object; NULL is allowed.
HJ_API
void hj_explanation_free(hj_explanation *explanation);

/// @}

/// @addtogroup events
/// @{

/// Whether the log is as it was exported.
HJ_API
bool hj_event_log_report_ok(const hj_event_log_report *event_log_report);

/// Whose events the log has, as it says itself. NULL if there is none.
HJ_API
const char *hj_event_log_report_tenant_id(const hj_event_log_report *event_log_report);

/// How many events were read up to the first problem.
HJ_API
uint64_t hj_event_log_report_events(const hj_event_log_report *event_log_report);

/// The number of the first event; those before it are not in the log. 0 if there is none.
HJ_API
uint64_t hj_event_log_report_first_seq(const hj_event_log_report *event_log_report);

/// The number of the last event for which a seal vouches that a given key has signed.
HJ_API
uint64_t hj_event_log_report_vouched_through(const hj_event_log_report *event_log_report);

/// When the log was exported, if it has its end. 0 if there is none.
HJ_API
int64_t hj_event_log_report_exported_at_ms(const hj_event_log_report *event_log_report);

/// The first problem. One of "malformed", "changed", "removed", "inserted", "moved", "truncated",
/// "bad_signature" or "unverified". NULL if there is none.
HJ_API
const char *hj_event_log_report_problem(const hj_event_log_report *event_log_report);

/// The number of the event that the problem is about: the first one that is not as it was. 0 if there is
/// none.
HJ_API
uint64_t hj_event_log_report_problem_seq(const hj_event_log_report *event_log_report);

/// The line of the log at which the problem was found, counted from 1. 0 if there is none.
HJ_API
uint64_t hj_event_log_report_problem_line(const hj_event_log_report *event_log_report);

/// The problem in a sentence. NULL if there is none.
HJ_API
const char *hj_event_log_report_detail(const hj_event_log_report *event_log_report);

/// Frees the object; NULL is allowed.
HJ_API
void hj_event_log_report_free(hj_event_log_report *event_log_report);

/// @}

/// @defgroup maintenance Maintenance
/// @{

/// How many sessions the clock had ended and this round has written down.
HJ_API
uint64_t hj_maintenance_report_stamped(const hj_maintenance_report *maintenance_report);

/// How many records of ended sessions it has deleted.
HJ_API
uint64_t hj_maintenance_report_purged(const hj_maintenance_report *maintenance_report);

/// How many events it has sealed.
HJ_API
uint64_t hj_maintenance_report_sealed_events(const hj_maintenance_report *maintenance_report);

/// How many events it has deleted.
HJ_API
uint64_t hj_maintenance_report_deleted_events(const hj_maintenance_report *maintenance_report);

/// How many drained signing keys it has retired.
HJ_API
uint64_t hj_maintenance_report_retired_keys(const hj_maintenance_report *maintenance_report);

/// Whether there is work left for a round at once.
HJ_API
bool hj_maintenance_report_has_more(const hj_maintenance_report *maintenance_report);

/// Frees the object; NULL is allowed.
HJ_API
void hj_maintenance_report_free(hj_maintenance_report *maintenance_report);

/// @}

/// @addtogroup events
/// @{

/// Checks a log that hj_tenant_export_events wrote, and names the first event that was changed, removed, inserted or moved, or
/// the place where the log was cut off. Needs no database and no secret: only the public keys of the time of the export, as
/// hj_tenant_jwks gave them.
///
/// What is wrong with the log is in the report. Fails with HJ_ERR_STORAGE_IO when the file cannot be read, and with
/// HJ_ERR_VALIDATION_ERROR for a text that is no JWK Set.
HJ_API
HJ_MUST_USE
hj_status hj_verify_event_log(hj_str path,
                              hj_str jwks_json,
                              hj_event_log_report **report,
                              hj_error **error);

/// @}

/// @defgroup texts Texts
/// @{

/// The text; NULL for NULL.
HJ_API
const char *hj_text_get(const hj_text *text);

/// The length of the text in bytes, without the closing NUL; 0 for NULL.
HJ_API
size_t hj_text_len(const hj_text *text);

/// Frees a text; NULL is allowed.
HJ_API
void hj_text_free(hj_text *text);

/// @}

/// @addtogroup tenants
/// @{

/// The id of the tenant; NULL for NULL.
HJ_API
const char *hj_tenant_id(const hj_tenant *tenant);

/// Hands out another handle of the same tenant, for changes that this actor makes: the events of every change through the
/// handle name it. `actor` is 1 to 255 bytes ("admin:ada"); "not given" makes a handle that names no actor. The handle
/// costs next to nothing; free it as any other.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an empty or too long actor.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_with_actor(const hj_tenant *tenant,
                               hj_str actor,
                               hj_tenant **acting,
                               hj_error **error);

/// Hands out another handle of the same tenant, for a thread that must not wait, such as that of an event loop: a read that would
/// have to wait, for a lock of another process, a sync of the disk, the answer of a server or a long scan, fails with
/// HJ_ERR_STORAGE_BUSY; begin it then on the other handle, with a completion (hj_tenant_begin_get and its kin). Reading from a
/// file that is not in memory still takes the time of the disk. Changes wait as always. The handle costs next to nothing; free
/// it as any other.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_non_blocking(const hj_tenant *tenant,
                                 hj_tenant **non_blocking,
                                 hj_error **error);

/// Frees a tenant; NULL is allowed. Freeing the last handle of a tenant wipes its keys from memory.
HJ_API
void hj_tenant_free(hj_tenant *tenant);

/// Signs a user in on a device: creates a session with its first tokens. The host has checked the credentials before.
/// The same transaction revokes the user's oldest sessions above max_sessions_per_user, but never the new one.
///
/// `user_id` is 1 to 255 bytes; `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR naming the field, and
/// creates nothing then.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_create(const hj_tenant *tenant,
                           hj_str user_id,
                           const hj_create_options *options,
                           hj_grant **grant,
                           hj_error **error);

/// Begins a hj_tenant_create, without waiting for the disk.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR naming the field; every other error comes from hj_pending_write_wait.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_begin_create(const hj_tenant *tenant,
                                 hj_str user_id,
                                 const hj_create_options *options,
                                 hj_pending_write **write,
                                 hj_error **error);

/// Begins a sign-in: call it before you check credentials. `account` is the name that the user gave, such as an e-mail
/// address; its case and the space around it do not matter. `client_address` is where the request comes from, not given
/// if you do not know. hj_rest does this by itself. This call reaches the disk: hj_tenant_begin_sign_in_attempt does not.
///
/// The sign-in counts as failed at once, so that the limit is exact for calls at the same instant, in every process on
/// the database. hj_open_options has the limit.
///
/// Fails with HJ_ERR_TOO_MANY_REQUESTS if too many sign-ins have failed: do not check the credentials, and see
/// hj_error_retry_after_s. Fails with HJ_ERR_VALIDATION_ERROR for an empty account and for what is no address.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_begin_sign_in(const hj_tenant *tenant,
                                  hj_str account,
                                  hj_str client_address,
                                  hj_sign_in_attempt **attempt,
                                  hj_error **error);

/// @}

/// @defgroup sign_ins_that_may_fail Sign-ins that may fail
/// @{

/// The credentials were right: opens the session of this user as hj_tenant_create does. In the same transaction the
/// failures of the account from this address are forgotten. Arguments that cannot be read are no outcome.
///
/// Fails with HJ_ERR_TOO_MANY_REQUESTS if the account was at its limit and the user has had no session from this
/// address: the client must not learn that its guess was right.
HJ_API
HJ_MUST_USE
hj_status hj_sign_in_attempt_succeed(hj_sign_in_attempt *attempt,
                                     hj_str user_id,
                                     const hj_create_options *options,
                                     hj_grant **grant,
                                     hj_error **error);

/// Begins a hj_sign_in_attempt_succeed, without waiting for the disk. The attempt has its outcome then; if the change is freed before
/// its answer is there, the sign-in may stay counted as failed.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from hj_pending_write_wait.
HJ_API
HJ_MUST_USE
hj_status hj_sign_in_attempt_begin_succeed(hj_sign_in_attempt *attempt,
                                           hj_str user_id,
                                           const hj_create_options *options,
                                           hj_pending_write **write,
                                           hj_error **error);

/// The credentials were wrong: the failure stays counted. Never returns HJ_OK, but the status and the error for the
/// client: HJ_ERR_INVALID_CREDENTIALS, or HJ_ERR_TOO_MANY_REQUESTS if right ones would have been refused too. Does not wait.
HJ_API
hj_status hj_sign_in_attempt_fail(hj_sign_in_attempt *attempt,
                                  hj_error **error);

/// The host could not tell: the sign-in counts as if it had not been tried.
HJ_API
hj_status hj_sign_in_attempt_cancel(hj_sign_in_attempt *attempt,
                                    hj_error **error);

/// Begins a hj_sign_in_attempt_cancel, without waiting for the disk. The attempt has its outcome then.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from hj_pending_write_wait.
HJ_API
HJ_MUST_USE
hj_status hj_sign_in_attempt_begin_cancel(hj_sign_in_attempt *attempt,
                                          hj_pending_write **write,
                                          hj_error **error);

/// Frees an attempt; NULL is allowed. One without an outcome stays counted as failed.
HJ_API
void hj_sign_in_attempt_free(hj_sign_in_attempt *attempt);

/// @}

/// @addtogroup tenants
/// @{

/// Exchanges the session's live refresh token for its successor and a fresh access token, and moves last_active_at. For
/// refresh_reuse_window the former token still gets the same successor, so that parallel tabs and lost answers
/// converge; after that, presenting it ends the session.
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

/// Begins a hj_tenant_refresh, without waiting for the disk.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from
/// hj_pending_write_wait.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_begin_refresh(const hj_tenant *tenant,
                                  hj_str refresh_token,
                                  const hj_refresh_options *options,
                                  hj_pending_write **write,
                                  hj_error **error);

/// Exchanges the credential that an imported session had in its old system for the first tokens of the session: the value of
/// the old cookie, after percent-decoding, or the old refresh token. It stands for the session's first refresh token, and this
/// is its refresh: it moves last_active_at, it answers with the same tokens again for refresh_reuse_window, and presenting the
/// credential after that ends the session.
///
/// `options` may be NULL. Fails with HJ_ERR_MISSING_TOKEN, HJ_ERR_REFRESH_TOKEN_INVALID for a credential that was not imported
/// (no effect at all), HJ_ERR_SESSION_EXPIRED, HJ_ERR_SESSION_REVOKED, HJ_ERR_REFRESH_TOKEN_REUSED (the session has been
/// ended).
HJ_API
HJ_MUST_USE
hj_status hj_tenant_adopt(const hj_tenant *tenant,
                          hj_str credential,
                          const hj_refresh_options *options,
                          hj_grant **grant,
                          hj_error **error);

/// Begins a hj_tenant_adopt, without waiting for the disk.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from
/// hj_pending_write_wait.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_begin_adopt(const hj_tenant *tenant,
                                hj_str credential,
                                const hj_refresh_options *options,
                                hj_pending_write **write,
                                hj_error **error);

/// Imports the sessions of another system from a file of JSON Lines: one object a line with "user_id", "credential" or
/// "credential_sha256" (64 hexadecimal digits), and, each optional, "external_id" (the name of the session there),
/// "created_at", "last_active_at", "expires_at" (milliseconds since the epoch), and the fields of hj_create_options but for
/// `duration` and the client hints. Their clients exchange what they hold by hj_tenant_adopt.
///
/// An imported session is there at once: it is listed, counted and can be revoked. It keeps the time of its sign-in and ends
/// at the earlier of "expires_at" and "created_at" + session_duration. What has ended by now is counted and not imported. Of
/// the credential only SHA-256 is kept. No session is ended: the user's cap binds at the next sign-in.
///
/// Rows are written in small transactions that give way to other calls. An import that was cut off is taken up by calling
/// again: the same credential, and the same external id, is one session.
///
/// `options` may be NULL. Fails with HJ_ERR_STORAGE_IO if the file cannot be read, and with `stop_at_bad_row` with
/// HJ_ERR_VALIDATION_ERROR, whose detail names the line; the rows before are imported then.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_import(const hj_tenant *tenant,
                           hj_str path,
                           const hj_import_options *options,
                           hj_import_report **report,
                           hj_error **error);

/// Changes what the access tokens of a live session carry (step-up, organisation switch, role, own claims) and issues a
/// new access token with the change. Access tokens issued before stay good until they expire; the refresh token stays
/// as it is.
///
/// `options` may be NULL (the call then only issues a fresh access token), and so may `grant`. Fails with
/// HJ_ERR_SESSION_NOT_FOUND, HJ_ERR_SESSION_REVOKED, HJ_ERR_SESSION_EXPIRED, HJ_ERR_VALIDATION_ERROR, and changes
/// nothing then.
HJ_API
hj_status hj_tenant_update(const hj_tenant *tenant,
                           hj_str session_id,
                           const hj_update_options *options,
                           hj_grant **grant,
                           hj_error **error);

/// Begins a hj_tenant_update, without waiting for the disk.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR naming the field, and with
/// HJ_ERR_SESSION_NOT_FOUND for a text that is no session id; every other error comes from hj_pending_write_wait.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_begin_update(const hj_tenant *tenant,
                                 hj_str session_id,
                                 const hj_update_options *options,
                                 hj_pending_write **write,
                                 hj_error **error);

/// Verifies an access token and its session against the store: from the moment that a call which ended a session has
/// returned, every thread and every process on the database refuses the session.
///
/// `session` is the session as it is now: decide by its role, organisation, second factor and claims. `claims` is what the
/// token says; hj_claims_outdated tells whether the session was updated since.
///
/// `session` and `claims` may be NULL. Fails with HJ_ERR_MISSING_TOKEN, HJ_ERR_INVALID_TOKEN, HJ_ERR_TOKEN_EXPIRED,
/// HJ_ERR_SESSION_NOT_FOUND; with HJ_ERR_SESSION_REVOKED or HJ_ERR_SESSION_EXPIRED, and then `session` still holds the
/// ended session.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_verify_access_token(const hj_tenant *tenant,
                                        hj_str token,
                                        hj_session **session,
                                        hj_claims **claims,
                                        hj_error **error);

/// Verifies by session id against the store, as hj_tenant_verify_access_token does. The id is a name, not a credential:
/// take it from a place where the user cannot change it.
///
/// `session` may be NULL. Fails with HJ_ERR_SESSION_NOT_FOUND; with HJ_ERR_SESSION_REVOKED or HJ_ERR_SESSION_EXPIRED,
/// and then `session` still holds the ended session.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_verify_session(const hj_tenant *tenant,
                                   hj_str session_id,
                                   hj_session **session,
                                   hj_error **error);

/// Begins a hj_tenant_verify_access_token. The session that the token names is looked up before its signature is checked; the
/// answer is given after the check only.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from hj_pending_read_wait.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_begin_verify_access_token(const hj_tenant *tenant,
                                              hj_str token,
                                              hj_pending_read **read,
                                              hj_error **error);

/// Begins a hj_tenant_verify_session.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read, and with HJ_ERR_SESSION_NOT_FOUND for a text that is no session id;
/// every other error comes from hj_pending_read_wait.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_begin_verify_session(const hj_tenant *tenant,
                                         hj_str session_id,
                                         hj_pending_read **read,
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

/// Verifies an access token as hj_tenant_verify_access_token does, and that its user has authenticated as required. A factor
/// that hj_tenant_update has added counts at once, also for a token that was issued before.
///
/// `required` (NULL: nothing is), `session` and `claims` may be NULL. Fails as hj_tenant_verify_access_token, and with
/// HJ_ERR_REAUTHENTICATION_REQUIRED: hj_error_max_age_s and hj_error_factors then tell what is required; with
/// HJ_ERR_INSUFFICIENT_PERMISSIONS for a person who acts for the user where that is refused, and for another role.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_require_auth(const hj_tenant *tenant,
                                 hj_str token,
                                 const hj_required_auth *required,
                                 hj_session **session,
                                 hj_claims **claims,
                                 hj_error **error);

/// Begins a hj_tenant_require_auth.
///
/// `required` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from
/// hj_pending_read_wait.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_begin_require_auth(const hj_tenant *tenant,
                                       hj_str token,
                                       const hj_required_auth *required,
                                       hj_pending_read **read,
                                       hj_error **error);

/// Verifies an access token as hj_tenant_verify_locally does, without a look at its session, and that its user had
/// authenticated as required when it was issued. A token of an earlier release tells no times: it is refused where a `max_age`
/// is required.
///
/// `required` and `claims` may be NULL. Fails as hj_tenant_verify_locally, and with HJ_ERR_REAUTHENTICATION_REQUIRED
/// or HJ_ERR_INSUFFICIENT_PERMISSIONS.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_require_auth_locally(const hj_tenant *tenant,
                                         hj_str token,
                                         const hj_required_auth *required,
                                         hj_claims **claims,
                                         hj_error **error);

/// Reads a session; an ended one too, until it is purged.
///
/// Fails with HJ_ERR_SESSION_NOT_FOUND.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_get(const hj_tenant *tenant,
                        hj_str session_id,
                        hj_session **session,
                        hj_error **error);

/// Begins a hj_tenant_get.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read, and with HJ_ERR_SESSION_NOT_FOUND for a text that is no session id;
/// every other error comes from hj_pending_read_wait.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_begin_get(const hj_tenant *tenant,
                              hj_str session_id,
                              hj_pending_read **read,
                              hj_error **error);

/// Lists sessions, newest first, a page at a time. The cursor stays good while sessions come and go.
///
/// One call looks at no more than 1,000 sessions. Where few of many sessions match, a page may be short or even empty and
/// have a cursor all the same: only a page without a cursor is the last. The active sessions of a user are found without a
/// look at those whose end is written down.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR, also for a cursor of another list.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_list(const hj_tenant *tenant,
                         const hj_list_options *options,
                         hj_page **page,
                         hj_error **error);

/// Begins a hj_tenant_list.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from
/// hj_pending_read_wait.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_begin_list(const hj_tenant *tenant,
                               const hj_list_options *options,
                               hj_pending_read **read,
                               hj_error **error);

/// Counts the sessions that the filter admits; every active session for NULL. The call looks at each session of the filter's
/// user or of the tenant, 1,000 in one read transaction: the count of a large tenant is of slightly different instants.
///
/// Fails with HJ_ERR_VALIDATION_ERROR naming the member.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_count(const hj_tenant *tenant,
                          const hj_session_filter *filter,
                          uint64_t *count,
                          hj_error **error);

/// Begins a hj_tenant_count, without waiting for the disk.
///
/// `filter` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from
/// hj_pending_count_wait.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_begin_count(const hj_tenant *tenant,
                                const hj_session_filter *filter,
                                hj_pending_count **counting,
                                hj_error **error);

/// Tells why a session is over; of an active one, what will end it and when, and how its refresh tokens would be answered, if
/// nothing else happened to the session. Changes nothing. The user's active sessions are looked at to find its rank.
///
/// Fails with HJ_ERR_SESSION_NOT_FOUND.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_explain(const hj_tenant *tenant,
                            hj_str session_id,
                            hj_explanation **explanation,
                            hj_error **error);

/// Signs out with an access token or a refresh token of the session. Signing out of a session that has ended does
/// nothing; ending the user's other sessions takes the token of a live session. An access token signs out also after it
/// has expired.
///
/// `scope` is "local" (the session of the token; the default) or "global" (all sessions of its user). `ended` may be
/// NULL and counts the sessions that this call ended. Fails for an access token with HJ_ERR_INVALID_TOKEN or
/// HJ_ERR_SESSION_NOT_FOUND, for a refresh token as hj_tenant_refresh does; for "global" also with
/// HJ_ERR_SESSION_REVOKED, HJ_ERR_SESSION_EXPIRED.
HJ_API
hj_status hj_tenant_sign_out(const hj_tenant *tenant,
                             hj_str token,
                             hj_str scope,
                             uint64_t *ended,
                             hj_error **error);

/// Begins a hj_tenant_sign_out, without waiting for the disk.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from hj_pending_write_wait.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_begin_sign_out(const hj_tenant *tenant,
                                   hj_str token,
                                   hj_str scope,
                                   hj_pending_write **write,
                                   hj_error **error);

/// Revokes one session. When this call has returned, no thread and no process verifies or refreshes the session any
/// more. Revoking a session that has ended changes nothing.
///
/// Fails with HJ_ERR_SESSION_NOT_FOUND.
HJ_API
hj_status hj_tenant_revoke(const hj_tenant *tenant,
                           hj_str session_id,
                           hj_error **error);

/// Begins a hj_tenant_revoke, without waiting for the disk.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read, and with HJ_ERR_SESSION_NOT_FOUND for a text that is no session id;
/// every other error comes from hj_pending_write_wait.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_begin_revoke(const hj_tenant *tenant,
                                 hj_str session_id,
                                 hj_pending_write **write,
                                 hj_error **error);

/// Revokes all active sessions of a user, or all but one.
///
/// `except` is the id of a session of this user, or not given. `revoked` may be NULL and counts the sessions that this
/// call ended. Fails with HJ_ERR_SESSION_NOT_FOUND if `except` is not a session of this user, and revokes nothing then.
HJ_API
hj_status hj_tenant_revoke_user(const hj_tenant *tenant,
                                hj_str user_id,
                                hj_str except,
                                uint64_t *revoked,
                                hj_error **error);

/// Begins a hj_tenant_revoke_user, without waiting for the disk. The answer is the number of sessions that ended.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read, and with HJ_ERR_SESSION_NOT_FOUND for an `except` that is no session id;
/// every other error comes from hj_pending_write_wait.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_begin_revoke_user(const hj_tenant *tenant,
                                      hj_str user_id,
                                      hj_str except,
                                      hj_pending_write **write,
                                      hj_error **error);

/// Revokes all active sessions of the tenant. `revoked` may be NULL and counts them.
HJ_API
hj_status hj_tenant_revoke_tenant(const hj_tenant *tenant,
                                  uint64_t *revoked,
                                  hj_error **error);

/// Begins a hj_tenant_revoke_tenant, without waiting for the disk. The answer is the number of sessions that ended.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from hj_pending_write_wait.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_begin_revoke_tenant(const hj_tenant *tenant,
                                        hj_pending_write **write,
                                        hj_error **error);

/// Ends every active session that the filter admits (reason "revoked"). One commit ends all of them, however many they are,
/// and other callers wait for it no longer than for any write.
///
/// `options` may be NULL. `revoked` may be NULL and counts the sessions that this call ended. Fails with
/// HJ_ERR_VALIDATION_ERROR for a filter without a member besides `status` (ending the whole tenant is
/// hj_tenant_revoke_tenant), for one that asks for ended sessions, for a plan of another filter, and for a plan that more
/// sessions match now; no session ends then.
HJ_API
hj_status hj_tenant_revoke_where(const hj_tenant *tenant,
                                 const hj_session_filter *filter,
                                 const hj_revoke_where_options *options,
                                 uint64_t *revoked,
                                 hj_error **error);

/// Begins a hj_tenant_revoke_where, without waiting for the disk. The answer is the number of sessions that ended.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from
/// hj_pending_write_wait.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_begin_revoke_where(const hj_tenant *tenant,
                                       const hj_session_filter *filter,
                                       const hj_revoke_where_options *options,
                                       hj_pending_write **write,
                                       hj_error **error);

/// Shows what hj_tenant_revoke_where would end with this filter, and ends nothing. Looks at each session of the filter's user
/// or of the tenant.
///
/// Fails with HJ_ERR_VALIDATION_ERROR as hj_tenant_revoke_where does.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_preview_revoke_where(const hj_tenant *tenant,
                                         const hj_session_filter *filter,
                                         hj_revoke_preview **preview,
                                         hj_error **error);

/// Begins a hj_tenant_preview_revoke_where, without waiting for the disk.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for an argument that cannot be read; every other error comes from hj_pending_count_wait.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_begin_preview_revoke_where(const hj_tenant *tenant,
                                               const hj_session_filter *filter,
                                               hj_pending_count **counting,
                                               hj_error **error);

/// Reads the settings in force.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_config(const hj_tenant *tenant,
                           hj_config **config,
                           hj_error **error);

/// Changes settings, all or none. The patch is a JSON object: a name that is absent leaves its setting as it is, null
/// turns a setting off, a duration is "15m", "30d" or a number of seconds: {"idle_timeout": "7d",
/// "max_sessions_per_user": null}. The names are session_duration, access_token_ttl, idle_timeout,
/// max_sessions_per_user, refresh_reuse_window, event_retention, record_retention, revocation_list,
/// max_actor_duration.
///
/// `config` may be NULL and gets the settings that are in force now. Fails with HJ_ERR_VALIDATION_ERROR naming the
/// setting, and changes nothing then.
HJ_API
hj_status hj_tenant_update_config(const hj_tenant *tenant,
                                  hj_str patch_json,
                                  hj_config **config,
                                  hj_error **error);

/// Changes the tenant's secret key; sessions and tokens stay as they are. This handle goes on working. Every other
/// handle, in this process and in others, fails with HJ_ERR_INVALID_API_KEY from its next call on. What the former key
/// opened is taken out of the database's files; while a long read holds the log, that waits for the next sweep, purge or
/// change of keys.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for a key of fewer than 22 characters after its prefix, unless the database is in
/// memory.
HJ_API
hj_status hj_tenant_change_secret_key(const hj_tenant *tenant,
                                      hj_str new_secret_key,
                                      hj_error **error);

/// Replaces the key behind refresh tokens, after a leak of the secret key together with a copy of the file: every refresh
/// token that was issued before fails with HJ_ERR_REFRESH_TOKEN_INVALID from now on, in every process, and every cursor of a
/// list is refused. No session ends, and access tokens stay good until they expire. SECURITY.md says what else a leak
/// needs.
HJ_API
hj_status hj_tenant_rotate_refresh_key(const hj_tenant *tenant,
                                       hj_error **error);

/// Lists all signing keys, oldest first, retired ones included.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_keys(const hj_tenant *tenant,
                         hj_keys **keys,
                         hj_error **error);

/// Rotates the signing keys: the next key becomes active, the active key becomes retiring, and the engine mints a new
/// next key. No session ends, and tokens stay good. `kid` may be NULL and gets the id of the key that signs from now
/// on. Of the retired keys the newest 100 are kept.
///
/// Fails with HJ_ERR_TOO_MANY_REQUESTS while 100 keys are retiring; the error says after how many seconds the first leaves.
HJ_API
hj_status hj_tenant_rotate_keys(const hj_tenant *tenant,
                                hj_text **kid,
                                hj_error **error);

/// Retires a retiring or next key at once, for emergencies: tokens that it signed are refused from now on. The engine
/// replaces a retired next key by a new one; retiring a retired key does nothing.
///
/// Fails with HJ_ERR_NOT_FOUND, and with HJ_ERR_VALIDATION_ERROR for the active key: rotate first.
HJ_API
hj_status hj_tenant_retire_key(const hj_tenant *tenant,
                               hj_str kid,
                               hj_error **error);

/// The public keys as a JWK Set (RFC 7517) in JSON, with which other services verify access tokens.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_jwks(const hj_tenant *tenant,
                         hj_text **jwks_json,
                         hj_error **error);

/// The sessions that ended while access tokens of them may still be alive, as a signed list for verifiers that do not ask the
/// engine: what was added after the number `since`, or the list from its beginning for 0 and for a number that is not known.
/// One call looks at no more than 1,000 entries: hj_revocation_list_has_more.
///
/// Fails with HJ_ERR_VALIDATION_ERROR while the setting revocation_list is false.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_revocations(const hj_tenant *tenant,
                                uint64_t since,
                                hj_revocation_list **list,
                                hj_error **error);

/// Lists events, oldest first, a page at a time. Events are recorded while the setting event_retention is set.
///
/// One call looks at no more than 1,000 events. Where few of many events match, a page may be short or even empty and have
/// more after it: hj_event_page_has_more.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR, and with HJ_ERR_SESSION_NOT_FOUND for a session id that is
/// none.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_events(const hj_tenant *tenant,
                           const hj_events_options *options,
                           hj_event_page **page,
                           hj_error **error);

/// Whether there may be events that this page has not looked at. false is certain and takes no read of the database: a
/// reader that follows the events asks this a few times a second, and lists again when it is true.
///
/// `page` must not be NULL; `may_have` may.
HJ_API
hj_status hj_tenant_may_have_events_after(const hj_tenant *tenant,
                                          const hj_event_page *page,
                                          bool *may_have,
                                          hj_error **error);

/// Seals the events that are not sealed yet, in small transactions: each gets a hash that chains it to the event before it,
/// and the active signing key signs the hash of the last one. `sealed` may be NULL and counts them.
HJ_API
hj_status hj_tenant_seal_events(const hj_tenant *tenant,
                                uint64_t *sealed,
                                hj_error **error);

/// Seals the tenant's events and writes those after number `after` (0 for all that are kept) into a new file as a signed log
/// of JSON Lines, which hj_verify_event_log checks. The file has mode 0600 and is on disk when the call returns. `events` may
/// be NULL and counts the events in the log.
///
/// Fails with HJ_ERR_STORAGE_IO when there is a file already or it cannot be written, and with HJ_ERR_VALIDATION_ERROR for
/// the number of an event that is not kept.
HJ_API
hj_status hj_tenant_export_events(const hj_tenant *tenant,
                                  uint64_t after,
                                  hj_str path,
                                  uint64_t *events,
                                  hj_error **error);

/// Writes down the ends of sessions that the clock has ended, in small transactions; no answer depends on it. Takes half of
/// the time that it could take and gives way to other writes. `stamped` may be NULL and counts these sessions.
HJ_API
hj_status hj_tenant_sweep(const hj_tenant *tenant,
                          uint64_t *stamped,
                          hj_error **error);

/// Deletes the records of sessions that ended longer ago than this ("90d"), in small transactions that give way
/// to other writes. Afterwards no call finds these sessions. `purged` may be NULL and counts them.
HJ_API
hj_status hj_tenant_purge_older_than(const hj_tenant *tenant,
                                     hj_str older_than,
                                     uint64_t *purged,
                                     hj_error **error);

/// Deletes the records of sessions that ended before this time; otherwise as hj_tenant_purge_older_than.
HJ_API
hj_status hj_tenant_purge_before(const hj_tenant *tenant,
                                 int64_t before_at_ms,
                                 uint64_t *purged,
                                 hj_error **error);

/// Counts the tenant's sessions. The call reads each of them, 1,000 in one read transaction: the counts of a large tenant are
/// of slightly different instants.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_stats(const hj_tenant *tenant,
                          hj_stats **stats,
                          hj_error **error);

/// Does one bounded round of maintenance: writes down the ends of sessions that the clock has ended, deletes the records of
/// sessions that ended longer ago than record_retention, seals events and deletes those that were sealed longer ago than
/// event_retention, retires drained signing keys. It gives way to other writes. Call it every few minutes, and again at once
/// while hj_maintenance_report_has_more says so. `report` may be NULL.
HJ_API
hj_status hj_tenant_maintain(const hj_tenant *tenant,
                             hj_maintenance_report **report,
                             hj_error **error);

/// Counts as hj_tenant_stats does, and says in the same walk how many sessions began, ended and were active in each hour of the
/// last 24 ("24h") or each day of the last 30 ("30d"). A session whose record was purged is in none of the periods.
///
/// `stats` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR for another series.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_stats_series(const hj_tenant *tenant,
                                 hj_str series,
                                 hj_stats **stats,
                                 hj_stats_periods **periods,
                                 hj_error **error);

/// @}

/// @defgroup whole_databases Whole databases
/// @{

/// Copies the database in the file at this path, of every tenant and as it is at one instant, into the new file `to`, which is
/// on disk when this returns. Needs no secret key and no engine; other threads and processes may use the database meanwhile.
/// The copy is one read of the whole database, during which the log cannot be emptied and grows. New files have the mode 0600.
///
/// `progress` may be NULL; it is called with `context`. Fails with HJ_ERR_STORAGE_IO where a file is at `to` already, which is
/// never replaced, for a database that is not there, and where the copy cannot be written; HJ_ERR_STORAGE_FULL,
/// HJ_ERR_STORAGE_READ_ONLY, HJ_ERR_STORAGE_BUSY, HJ_ERR_STORAGE_CORRUPT, HJ_ERR_VALIDATION_ERROR (also for ":memory:"),
/// HJ_ERR_FORKED. A call that fails leaves no file.
HJ_API
hj_status hj_backup_database(hj_str database,
                             hj_str to,
                             hj_progress progress,
                             void *context,
                             hj_error **error);

/// Makes the database in the file `to` from a backup, in place of what is there. No engine may have `to` open.
///
/// `policy` must be given: "end_all" ends every session (reason "restored"), so that none that ended after the backup was made
/// lives again; "keep" leaves sessions as they were then. Fails with HJ_ERR_STORAGE_CORRUPT if hj_check_database finds anything
/// in the backup, and if what is at `to` is damaged (move it away first), with HJ_ERR_STORAGE_BUSY while an engine has `to`
/// open, and as hj_backup_database does. `to` is as it was then.
HJ_API
hj_status hj_restore_database(hj_str backup,
                              hj_str to,
                              hj_str policy,
                              hj_error **error);

/// hj_restore_database for a tenant whose events were exported after the backup was made: each session that ended since gets the end
/// that the log tells of, and the others stay signed in. Every session of another tenant ends. `log` is a file that
/// hj_tenant_export_events wrote, `jwks_json` the JWK Set of the time of the export. The log's events become the tenant's again, with their
/// numbers and seals. What ended after the export lives again; settings and keys are those of the backup: `report` tells what to do
/// again.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for a log that hj_verify_event_log finds anything in, that no key of the set vouches for to its
/// end, of a tenant that the backup does not have, that does not follow the last event of the backup, and that does not tell of every
/// end because events were off for a time; with HJ_ERR_STORAGE_IO for one that cannot be read; and as hj_restore_database does. `to` is
/// as it was then.
HJ_API
HJ_MUST_USE
hj_status hj_restore_database_with_events(hj_str backup,
                                          hj_str to,
                                          hj_str log,
                                          hj_str jwks_json,
                                          hj_replay_report **report,
                                          hj_error **error);

/// How many tenants both databases hold.
HJ_API
uint64_t hj_copy_report_tenants(const hj_copy_report *copy_report);

/// How many sessions, ended ones included.
HJ_API
uint64_t hj_copy_report_sessions(const hj_copy_report *copy_report);

/// How many signing keys, retired ones included.
HJ_API
uint64_t hj_copy_report_signing_keys(const hj_copy_report *copy_report);

/// How many events.
HJ_API
uint64_t hj_copy_report_events(const hj_copy_report *copy_report);

/// How many rows this call has added, replaced or deleted; 0 if there was nothing left to do.
HJ_API
uint64_t hj_copy_report_changed_rows(const hj_copy_report *copy_report);

/// SHA-256 over every value of every row, in hexadecimal digits, which was the same for both databases.
/// Releases may differ in it.
HJ_API
const char *hj_copy_report_checksum(const hj_copy_report *copy_report);

/// Frees the object; NULL is allowed.
HJ_API
void hj_copy_report_free(hj_copy_report *copy_report);

/// When the log was exported: what ended later lives again.
HJ_API
int64_t hj_replay_report_exported_at_ms(const hj_replay_report *replay_report);

/// How many events came after the backup. They are in the database again.
HJ_API
uint64_t hj_replay_report_events(const hj_replay_report *replay_report);

/// How many sessions of the backup have got the end that the log tells of.
HJ_API
uint64_t hj_replay_report_ended(const hj_replay_report *replay_report);

/// Whether every other session of the tenant has ended too (reason "restored"), because the refresh key was
/// replaced after the backup was made: the key of the backup, under which former refresh tokens are good, is
/// in force again.
HJ_API
bool hj_replay_report_rest_ended(const hj_replay_report *replay_report);

/// How many sessions began after the backup was made. They are lost: their users sign in again.
HJ_API
uint64_t hj_replay_report_lost_sessions(const hj_replay_report *replay_report);

/// How many changes of a role or of other members of sessions are undone.
HJ_API
uint64_t hj_replay_report_undone_updates(const hj_replay_report *replay_report);

/// How many changes of settings are undone.
HJ_API
uint64_t hj_replay_report_undone_settings(const hj_replay_report *replay_report);

/// How many keys were retired since that the backup holds as the active or the next one: they sign again.
/// Rotate and retire them if they had leaked. Those that the backup holds as retiring are retired again.
HJ_API
uint64_t hj_replay_report_revived_keys(const hj_replay_report *replay_report);

/// How many changes of the secret key are undone: the former one opens the tenant again.
HJ_API
uint64_t hj_replay_report_undone_secret_keys(const hj_replay_report *replay_report);

/// Frees the object; NULL is allowed.
HJ_API
void hj_replay_report_free(hj_replay_report *replay_report);

/// Copies a whole database, of every tenant, into another one: a file or the URL of a PostgreSQL database each. Every token stays
/// good: an engine that opens `to` afterwards goes on where those of `from` have stopped. Needs no secret key. `to` is created if
/// it is not there.
///
/// Close every engine on `from` before, or copy beside them first and once more after they are closed: a copy compares, and writes
/// only what differs, so the second one is short. What an engine writes to `from` later is not in `to`. A copy that was cut off is
/// taken up by calling again. No engine may use `to` before the copy is whole.
///
/// At the end both databases are read again; the report tells the counts and the checksum that they have in common. `progress` may
/// be NULL; it is called with `context`. Fails with HJ_ERR_VALIDATION_ERROR for ":memory:", for one database given twice, and
/// where `to` holds another tenant, or sessions that are newer because an engine has used it: nothing of that is overwritten;
/// HJ_ERR_STORAGE_BUSY while engines go on changing `from`; HJ_ERR_STORAGE_IO if `from` is not there; and as hj_engine_open does.
HJ_API
HJ_MUST_USE
hj_status hj_copy_database(hj_str from,
                           hj_str to,
                           hj_copy_progress progress,
                           void *context,
                           hj_copy_report **report,
                           hj_error **error);

/// Shortens the time for which the machines on a PostgreSQL database may remember a verification (`verify` of hj_open_options,
/// "lease:250ms") to at most `longest_ms`, from 0 (not at all) to 5000 milliseconds, and waits until the longer leases have ended,
/// some 5 seconds at most. `wait_ms` receives how long calls that end a session wait from now on, in milliseconds.
///
/// An engine lengthens it when it is opened with a longer lease; nothing else shortens it. So open the engines anew with the
/// shorter lease first, or without one. The parameter `verify` of the URL plays no part. Needs no secret key.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for a file and for a time that is out of range; HJ_ERR_STORAGE_BUSY if an engine was opened
/// meanwhile that asks for a longer lease; HJ_ERR_STORAGE_IO for a database without this engine's tables; and as hj_engine_open does.
HJ_API
hj_status hj_lower_lease(hj_str database,
                         uint64_t longest_ms,
                         uint64_t *wait_ms,
                         hj_error **error);

/// Reads the whole database in the file at this path, of every tenant, and tells what is wrong with it: SQLite's integrity
/// and foreign key checks, the schema against this library's, every row against the types of its values. Needs no secret
/// key and no engine, and writes nothing. Other threads and processes may use the database meanwhile. Rows are read in short
/// transactions; the integrity check is one read of the whole database, during which the log cannot be emptied and grows.
/// A million sessions take some ten seconds, two thirds of them for that one read.
///
/// A file that is damaged or foreign is a report, not an error. Fails with HJ_ERR_STORAGE_IO for a file that is not there or
/// cannot be read, HJ_ERR_STORAGE_BUSY for one that another process has locked for 5 seconds, HJ_ERR_STORAGE_TOO_NEW,
/// HJ_ERR_VALIDATION_ERROR (also for ":memory:"), HJ_ERR_FORKED.
HJ_API
HJ_MUST_USE
hj_status hj_check_database(hj_str database,
                            hj_check_report **report,
                            hj_error **error);

/// Whether nothing is wrong.
HJ_API
bool hj_check_report_is_ok(const hj_check_report *report);

/// How many problems the report lists: the first 100.
HJ_API
size_t hj_check_report_count(const hj_check_report *report);

/// How many problems were found, those that are not listed included. SQLite's integrity check stops at its hundredth.
HJ_API
uint64_t hj_check_report_problem_count(const hj_check_report *report);

/// The kind of a problem: "file" (no database, empty, or another application's), "structure" (damaged pages, or a row that
/// breaks a rule of its table), "reference" (a row refers to one that is not there), "schema" (an object that is foreign,
/// changed or missing), "row" (a row cannot be read, or holds a value that the engine cannot have written).
HJ_API
const char *hj_check_report_kind(const hj_check_report *report,
                                 size_t index);

/// What a problem is about: the file, a table, another object of the schema, or a row, named by its table and id.
HJ_API
const char *hj_check_report_object(const hj_check_report *report,
                                   size_t index);

/// One English line for a developer, without tokens, addresses or values.
HJ_API
const char *hj_check_report_detail(const hj_check_report *report,
                                   size_t index);

/// How many tenants were read.
HJ_API
uint64_t hj_check_report_tenants(const hj_check_report *report);

/// How many sessions were read, ended ones included.
HJ_API
uint64_t hj_check_report_sessions(const hj_check_report *report);

/// How many signing keys were read, retired ones included.
HJ_API
uint64_t hj_check_report_signing_keys(const hj_check_report *report);

/// Frees the report; NULL is allowed.
HJ_API
void hj_check_report_free(hj_check_report *report);

/// @}

/// @defgroup imports Imports
/// @{

/// How many rows were read; the other counts add up to it.
HJ_API
uint64_t hj_import_report_rows(const hj_import_report *report);

/// How many sessions were added, or would be in a dry run.
HJ_API
uint64_t hj_import_report_imported(const hj_import_report *report);

/// How many rows are of sessions that were imported before, in this call or an earlier one.
HJ_API
uint64_t hj_import_report_already_imported(const hj_import_report *report);

/// How many had reached the end that the old system gave them.
HJ_API
uint64_t hj_import_report_expired(const hj_import_report *report);

/// How many session_duration or idle_timeout would have ended by now.
HJ_API
uint64_t hj_import_report_over_limits(const hj_import_report *report);

/// How many rows are bad, those that are not listed included.
HJ_API
uint64_t hj_import_report_bad_rows(const hj_import_report *report);

/// How many bad rows the report lists: the first 100.
HJ_API
size_t hj_import_report_count(const hj_import_report *report);

/// The line of a bad row in the source, counted from 1.
HJ_API
uint64_t hj_import_report_line(const hj_import_report *report,
                               size_t index);

/// What is wrong with a bad row: one English line for a developer, without credentials and addresses.
HJ_API
const char *hj_import_report_detail(const hj_import_report *report,
                                    size_t index);

/// Frees the report; NULL is allowed.
HJ_API
void hj_import_report_free(hj_import_report *report);

/// @}

/// @addtogroup calls_that_were_begun
/// @{

/// Waits for the response to a request that was begun, once.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for one that was waited for before, and with HJ_ERR_FORKED.
HJ_API
HJ_MUST_USE
hj_status hj_pending_response_wait(const hj_pending_response *pending_response,
                                   hj_response **response,
                                   hj_error **error);

/// Has a thread of the library answer the request and call `completion` once with `user_data` then, so that
/// hj_pending_response_wait does not wait. "Event loops" at the top of this header says what a completion may do.
///
/// Fails as hj_pending_read_notify does.
HJ_API
HJ_MUST_USE
hj_status hj_pending_response_notify(const hj_pending_response *pending_response,
                                     hj_completion completion,
                                     void *user_data,
                                     hj_error **error);

/// Frees a request that was begun, waited for or not; NULL is allowed. Its completion is not called any more once this has
/// returned.
HJ_API
void hj_pending_response_free(hj_pending_response *pending_response);

/// @}

/// @addtogroup tenants
/// @{

/// Makes the REST API of a tenant. It outlives the tenant handle that you pass, and accepts the secret key that the
/// handle has, also after hj_tenant_change_secret_key on that handle.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR naming the setting.
HJ_API
HJ_MUST_USE
hj_status hj_tenant_rest(const hj_tenant *tenant,
                         const hj_rest_options *options,
                         hj_rest **rest,
                         hj_error **error);

/// @}

/// @defgroup rest REST
/// @{

/// Answers a request. The call reaches the disk.
///
/// Whatever the client sent and whatever happened, the call returns HJ_OK with a response to send: 400 for bytes that
/// are not HTTP, 500 for a failure inside. Fails with HJ_ERR_VALIDATION_ERROR for what only the host can get wrong: a
/// NULL, a method or target that is not given, a `client_address` that is not an address.
HJ_API
HJ_MUST_USE
hj_status hj_rest_handle(const hj_rest *rest,
                         const hj_rest_request *request,
                         hj_response **response,
                         hj_error **error);

/// Begins to answer a request; the call copies it and does not reach the disk. A sign-in calls hj_authenticate on the thread that
/// waits for the response: one of the library's, if it has a completion.
///
/// Fails with HJ_ERR_VALIDATION_ERROR as hj_rest_handle does.
HJ_API
HJ_MUST_USE
hj_status hj_rest_begin_handle(const hj_rest *rest,
                               const hj_rest_request *request,
                               hj_pending_response **pending_response,
                               hj_error **error);

/// Frees a REST API; NULL is allowed. Not from inside its own `authenticate`. Requests that were begun are answered all the same.
HJ_API
void hj_rest_free(hj_rest *rest);

/// Authorises a request to a route of your own: by its Authorization header, else by its cookies, where the "cookie" of the hj_rest has
/// an "access". docs/COOKIES.md has the rules for them. The body of the request does not count. The call reaches the disk.
///
/// `response` is given whenever the call returns HJ_OK. If its status is 200, the request may pass: add the header lines of the response to
/// your own response (with `renew`; else there are none). Any other status is a refusal: send the response as it is. `session` (may be
/// NULL) is the session of the user, as it is now; NULL for a refusal, for a request without a user that may pass, and for a
/// CORS preflight, in which browsers send no credentials.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for what only the host can get wrong, as hj_rest_handle does.
HJ_API
HJ_MUST_USE
hj_status hj_rest_authorize(const hj_rest *rest,
                            const hj_rest_request *request,
                            const hj_authorize_options *options,
                            hj_session **session,
                            hj_response **response,
                            hj_error **error);

/// The e-mail address as the client sent it; not checked, never empty.
HJ_API
const char *hj_sign_in_email(const hj_sign_in *sign_in);

/// The password; never empty.
HJ_API
const char *hj_sign_in_password(const hj_sign_in *sign_in);

/// All that the client sent except its session_options, as a JSON object: "email", "password" and any other member,
/// such as a one-time code. Do not log it.
HJ_API
const char *hj_sign_in_credentials_json(const hj_sign_in *sign_in);

/// Answers that the credentials belong to this user; the call copies its arguments. The session opens after
/// hj_authenticate has returned, with the address and user agent of the request where the options have none. The last
/// answer counts.
///
/// `options` may be NULL. Fails with HJ_ERR_VALIDATION_ERROR naming the field: the client then gets a 500, unless
/// another answer follows.
HJ_API
hj_status hj_sign_in_accept(hj_sign_in *sign_in,
                            hj_str user_id,
                            const hj_create_options *options,
                            hj_error **error);

/// Answers that the host cannot tell whether the credentials are good, for example because its user store is down: the
/// client gets a 500 without the reason. Does nothing for NULL.
HJ_API
void hj_sign_in_fail(hj_sign_in *sign_in);

/// The HTTP status, such as 200.
HJ_API
int32_t hj_response_status(const hj_response *response);

/// How many header lines there are. Content-Length is among them only in the answer to a HEAD, because the host cannot
/// know the length there.
HJ_API
size_t hj_response_header_count(const hj_response *response);

/// The name of a header line, in lower case.
HJ_API
const char *hj_response_header_name(const hj_response *response,
                                    size_t index);

/// The value of a header line.
HJ_API
const char *hj_response_header_value(const hj_response *response,
                                     size_t index);

/// The body: JSON, or the empty string.
HJ_API
const char *hj_response_body(const hj_response *response);

/// The length of the body in bytes, without the closing NUL.
HJ_API
size_t hj_response_body_len(const hj_response *response);

/// For the host's log: why the API refused or failed the request, also where the client does not learn it; NULL for a
/// success. It lives inside the response.
HJ_API
const hj_error *hj_response_error(const hj_response *response);

/// Frees a response and wipes it from memory; NULL is allowed.
HJ_API
void hj_response_free(hj_response *response);

/// @}

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

/// @defgroup views Views and defaults
/// @{

/// A view of a string literal.
#define HJ_STR(literal) hj_str_view("" literal, sizeof(literal) - 1)

/// A view of `len` bytes.
static inline hj_str hj_str_view(const char *ptr, size_t len) {
  hj_str view;
  view.ptr = ptr;
  view.len = len;
  return view;
}

/// A view of a C string; "not given" for NULL.
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
HJ_DEFINE_INIT(hj_required_auth)
HJ_DEFINE_INIT(hj_list_options)
HJ_DEFINE_INIT(hj_events_options)
HJ_DEFINE_INIT(hj_import_options)
HJ_DEFINE_INIT(hj_session_filter)
HJ_DEFINE_INIT(hj_revoke_where_options)
HJ_DEFINE_INIT(hj_rest_options)
HJ_DEFINE_INIT(hj_rest_request)
HJ_DEFINE_INIT(hj_authorize_options)
#undef HJ_DEFINE_INIT

/// @}

#endif /* HELLOJOHN_H */
