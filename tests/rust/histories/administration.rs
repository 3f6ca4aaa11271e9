//! Settings, keys and purges as the model has them.

use hellojohn::{EventType, KeyId, KeyState};

use super::answers::ListedKey;
use super::model::{KeyModel, Model, Settings};

impl Model {
    pub fn apply_settings(&mut self, tenant_index: usize, settings: Settings) {
        let former = self.tenants[tenant_index].settings;
        if settings.idle_timeout != former.idle_timeout {
            self.keep_ends(tenant_index);
        }
        // A patch that changes nothing leaves no trace.
        if settings != former {
            self.extend_active_key(tenant_index);
            // Told also by the change that turns events on, and by the one that turns them off.
            self.switch_events(tenant_index, former.has_events || settings.has_events);
            self.tell(tenant_index, EventType::ConfigUpdated, None);
            self.switch_events(tenant_index, settings.has_events);
        }
        self.tenants[tenant_index].settings = settings;
    }

    /// Deletes what ended before this time; how many.
    pub fn apply_purge(&mut self, tenant_index: usize, cut: i64) -> u64 {
        let mut count = 0;
        for session_index in self.newest_first(tenant_index) {
            if self.end_of(tenant_index, session_index).is_some_and(|ended| ended.at < cut) {
                let known = &mut self.tenants[tenant_index].sessions[session_index];
                known.purged = true;
                let id = known.id;
                self.keep_end(tenant_index, session_index);
                self.tell(tenant_index, EventType::SessionPurged, Some(id));
                count += 1;
            }
        }
        count
    }

    /// The next key signs from now on.
    pub fn apply_rotation(&mut self, tenant_index: usize) {
        self.forget_oldest_retired_keys(tenant_index);
        self.extend_active_key(tenant_index);
        for at in 0..self.tenants[tenant_index].keys.len() {
            let state = self.state_of(&self.tenants[tenant_index].keys[at]);
            self.tenants[tenant_index].keys[at].state = match state {
                KeyState::Active => KeyState::Retiring,
                KeyState::Next => KeyState::Active,
                state => state,
            };
        }
        self.tell(tenant_index, EventType::KeyRotated, None);
    }

    /// A key that does not sign is gone.
    pub fn apply_retirement(&mut self, tenant_index: usize, kid: KeyId) {
        let key = self.tenants[tenant_index].keys.iter().find(|key| key.kid == kid).unwrap();
        let state = self.state_of(key);
        if state == KeyState::Next {
            self.forget_oldest_retired_keys(tenant_index);
        }
        let keys = &mut self.tenants[tenant_index].keys;
        keys.iter_mut().find(|key| key.kid == kid).unwrap().state = KeyState::Retired;
        // One that has retired by itself may be told so now, or later.
        if state != KeyState::Retired {
            self.tell(tenant_index, EventType::KeyRetired, None);
        }
    }

    /// New keys come out of nothing only as the next one.
    pub fn learn_keys(&mut self, tenant_index: usize, listed: &[ListedKey]) {
        let keys = &mut self.tenants[tenant_index].keys;
        for (kid, state) in listed.iter().copied().skip(keys.len()) {
            assert_eq!(state, KeyState::Next, "only a next key comes out of nothing");
            keys.push(KeyModel { kid, state, dead_at: 0 });
        }
    }

    pub fn count_keys(&self, tenant_index: usize, state: KeyState) -> usize {
        self.tenants[tenant_index].keys.iter().filter(|key| self.state_of(key) == state).count()
    }

    /// A hundred of them stay.
    pub fn forget_oldest_retired_keys(&mut self, tenant_index: usize) {
        let mut excess = self.count_keys(tenant_index, KeyState::Retired).saturating_sub(100);
        let mut keys = std::mem::take(&mut self.tenants[tenant_index].keys);
        keys.retain(|key| {
            let goes = excess > 0 && self.state_of(key) == KeyState::Retired;
            excess -= usize::from(goes);
            !goes
        });
        self.tenants[tenant_index].keys = keys;
    }

    /// Whatever the active key signs under the present settings may live this long.
    pub fn extend_active_key(&mut self, tenant_index: usize) {
        let latest = self.now + self.tenants[tenant_index].settings.access_token_ttl;
        for key in self.tenants[tenant_index].keys.iter_mut().filter(|key| key.state == KeyState::Active) {
            key.dead_at = key.dead_at.max(latest);
        }
    }

    /// Whether some key has retired by itself.
    pub fn has_drained_key(&self) -> bool {
        let mut keys = self.tenants.iter().flat_map(|tenant| &tenant.keys);
        keys.any(|key| key.state == KeyState::Retiring && self.state_of(key) == KeyState::Retired)
    }

    /// A retiring key whose tokens are dead has retired by itself.
    pub fn state_of(&self, key: &KeyModel) -> KeyState {
        match key.state {
            KeyState::Retiring if self.now >= key.dead_at => KeyState::Retired,
            state => state,
        }
    }
}
