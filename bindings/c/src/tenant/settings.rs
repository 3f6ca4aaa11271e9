//! The tenant's settings.

use super::hj_tenant;
use crate::abi::hj_str;
use crate::config::hj_config;
use crate::error::hj_error;
use crate::guard::call;
use crate::status::hj_status;

/// Reads the settings in force.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hj_tenant_config(
    tenant: *const hj_tenant,
    config: *mut *mut hj_config,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([config], error, || {
        let config = config.require("config")?;
        // SAFETY: the caller keeps "Objects".
        let tenant = unsafe { hj_tenant::require(tenant) }?;
        config.give(hj_config::new(&tenant.config()?));
        Ok(())
    })
}

/// Changes settings, all or none. The patch is a JSON object: a name that is absent leaves its setting as it is, null
/// turns a setting off, a duration is "15m", "30d" or a number of seconds: {"idle_timeout": "7d",
/// "max_sessions_per_user": null}. The names are session_duration, access_token_ttl, idle_timeout,
/// max_sessions_per_user, refresh_reuse_window, event_retention, record_retention, revocation_list,
/// max_actor_duration.
///
/// `config` may be NULL and gets the settings that are in force now. Fails with HJ_ERR_VALIDATION_ERROR naming the
/// setting, and changes nothing then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_update_config(
    tenant: *const hj_tenant,
    patch_json: hj_str,
    config: *mut *mut hj_config,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([config], error, || {
        // SAFETY: the caller keeps "Objects" and "Strings".
        let (tenant, patch) = unsafe { (hj_tenant::require(tenant)?, patch_json.require("config")?) };
        config.give(hj_config::new(&tenant.update_config(&patch)?));
        Ok(())
    })
}

/// Changes the tenant's secret key; sessions and tokens stay as they are. This handle goes on working. Every other
/// handle, in this process and in others, fails with HJ_ERR_INVALID_API_KEY from its next call on. What the former key
/// opened is taken out of the database's files; while a long read holds the log, that waits for the next sweep, purge or
/// change of keys.
///
/// Fails with HJ_ERR_VALIDATION_ERROR for a key of fewer than 22 characters after its prefix, unless the database is in
/// memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_change_secret_key(
    tenant: *const hj_tenant,
    new_secret_key: hj_str,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([], error, || {
        // SAFETY: the caller keeps "Objects" and "Strings".
        let (tenant, key) =
            unsafe { (hj_tenant::require(tenant)?, new_secret_key.require("new_secret_key")?) };
        tenant.change_secret_key(&key)
    })
}

/// Replaces the key behind refresh tokens, after a leak of the secret key together with a copy of the file: every refresh
/// token that was issued before fails with HJ_ERR_REFRESH_TOKEN_INVALID from now on, in every process, and every cursor of a
/// list is refused. No session ends, and access tokens stay good until they expire. SECURITY.md says what else a leak
/// needs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hj_tenant_rotate_refresh_key(
    tenant: *const hj_tenant,
    error: *mut *mut hj_error,
) -> hj_status {
    call!([], error, || {
        // SAFETY: the caller keeps "Objects".
        unsafe { hj_tenant::require(tenant) }?.rotate_refresh_key()
    })
}
