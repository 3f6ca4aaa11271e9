//! Settings, statistics, maintenance and signing keys.

use hellojohn::{ConfigPatch, EndReason, ErrorCode, KeyState, PurgeBefore, Tenant};

use crate::fixture::{DAY, SECOND, code};

use super::History;
use super::answers::{Numbers, listed_keys};

impl History {
    pub(super) fn configure(&mut self, tenant_index: usize) {
        let dice = &mut self.dice;
        let patch = match dice.below(7) {
            0 => format!(r#"{{"idle_timeout":{}}}"#, 60 * (1 + dice.below(240))),
            1 => r#"{"idle_timeout":null}"#.to_owned(),
            2 => format!(r#"{{"max_sessions_per_user":{}}}"#, dice.pick(&["1", "2", "5", "null"])),
            3 => format!(r#"{{"refresh_reuse_window":{}}}"#, dice.pick(&[0, 1, 10, 60])),
            6 => {
                format!(r#"{{"event_retention":{}}}"#, dice.pick(&["\"90y\"", "\"90y\"", "\"90y\"", "null"]))
            }
            4 => format!(r#"{{"access_token_ttl":{}}}"#, 30 * (1 + dice.below(400))),
            _ => format!(r#"{{"session_duration":{}}}"#, 600 * (1 + dice.below(400))),
        };
        self.record_call(format!("config {tenant_index} {patch}"));
        let json: serde_json::Value = serde_json::from_str(&patch).unwrap();
        let parsed: ConfigPatch = patch.parse().unwrap();
        let way = self.way;
        let answer = self.ask(tenant_index, |tenant| match way.rest(tenant) {
            Some(rest) => rest.update_config(json.clone()),
            None => tenant.update_config(&parsed).map(|config| config.to_json_with_warnings()),
        });
        let mut settings = self.model.tenants[tenant_index].settings;
        let ms = |value: &serde_json::Value| value.as_i64().map(|secs| secs * SECOND);
        for (name, value) in json.as_object().unwrap() {
            match name.as_str() {
                "idle_timeout" => settings.idle_timeout = ms(value),
                "max_sessions_per_user" => settings.cap = value.as_u64().map(|cap| cap as usize),
                "refresh_reuse_window" => settings.reuse_window = ms(value).unwrap(),
                "event_retention" => settings.has_events = !value.is_null(),
                "access_token_ttl" => {
                    settings.access_token_ttl = ms(value).unwrap();
                    settings.has_ttl_in_hours = false;
                }
                _ => settings.session_duration = ms(value).unwrap(),
            }
        }
        let Some(answer) = answer else {
            return self.settle(move |model, _| {
                model.apply_settings(tenant_index, settings);
                true
            });
        };
        self.model.see_clock();
        self.model.apply_settings(tenant_index, settings);
        let config = answer.unwrap();
        assert_eq!(settings.difference(&config), None);
        assert_eq!(config["warnings"], settings.warnings());
        let read = match way.rest(&self.tenants[tenant_index]) {
            Some(rest) => rest.config(),
            None => self.tenants[tenant_index].config().map(|config| config.to_json_with_warnings()),
        };
        assert_eq!(read.unwrap(), config);
    }

    pub(super) fn check_stats(&mut self, tenant_index: usize) {
        self.record_call(format!("stats {tenant_index}"));
        let (way, with_series) = (self.way, self.dice.one_in(3));
        let stats = self.ask(tenant_index, |tenant| match way.rest(tenant) {
            Some(rest) => rest.stats(with_series),
            None => tenant.stats().map(Numbers::from),
        });
        let Some(stats) = stats else { return self.check_nothing_happened() };
        let Numbers { sessions, created_last_24h, oldest_unswept_at, active_now } = stats.unwrap();
        self.model.see_clock();
        let there = self.model.newest_first(tenant_index);
        let day_ago = self.model.now - DAY;
        let young = there
            .iter()
            .filter(|session_index| {
                self.model.tenants[tenant_index].sessions[**session_index].created > day_ago
            })
            .count();
        assert_eq!(created_last_24h, young as u64);
        if let Some(active_now) = active_now {
            // A clock that was set back leaves sign-ins and ends that are still to come.
            let is_active = |session_index: &usize| {
                let ended = self.model.end_of(tenant_index, *session_index);
                self.model.tenants[tenant_index].sessions[*session_index].created <= self.model.now
                    && ended.is_none_or(|ended| ended.at > self.model.now)
            };
            assert_eq!(
                active_now,
                there.iter().filter(|session_index| is_active(session_index)).count() as u64
            );
        }
        let mut found = [0; 3];
        for session_index in there {
            let ended = self.model.end_of(tenant_index, session_index);
            found[ended.map_or(0, |ended| if ended.reason == EndReason::Expired { 1 } else { 2 })] += 1;
            self.model.tenants[tenant_index].sessions[session_index].was_reported_ended |= ended.is_some();
        }
        assert_eq!(sessions, found);
        if let Some(oldest) = oldest_unswept_at {
            let mut ends = (0..self.model.tenants[tenant_index].sessions.len())
                .filter_map(|session_index| self.model.end_of(tenant_index, session_index));
            assert!(ends.any(|ended| oldest.is(ended.at)));
        }
    }

    pub(super) fn sweep(&mut self, tenant_index: usize) {
        self.record_call(format!("sweep {tenant_index}"));
        if self.model.refuses_writes {
            return drop(self.ask_in_steps(tenant_index, Tenant::sweep));
        }
        let before = self.tenants[tenant_index].stats().unwrap();
        let Some(stamped) = self.ask_in_steps(tenant_index, Tenant::sweep) else {
            return self.check_nothing_happened();
        };
        self.model.see_clock();
        self.model.keep_ends(tenant_index);
        let after = self.tenants[tenant_index].stats().unwrap();
        assert_eq!(after.oldest_unswept_at, None);
        assert_eq!(after.sessions, before.sessions);
        assert_eq!(stamped.unwrap() > 0, before.oldest_unswept_at.is_some());
        assert_eq!(self.tenants[tenant_index].sweep().unwrap(), 0);
        self.read_every_event(tenant_index, true);
    }

    pub(super) fn purge(&mut self, tenant_index: usize) {
        let age = hellojohn::Duration::from_secs(60 * (1 + self.dice.below(3_000) as u64)).unwrap();
        self.record_call(format!("purge {tenant_index} {age}"));
        let before = PurgeBefore::OlderThan(age);
        let Some(purged) = self.ask_in_steps(tenant_index, |tenant| tenant.purge(before)) else {
            return self.settle_purge(tenant_index, age.as_secs() as i64 * SECOND);
        };
        self.model.see_clock();
        let cut = self.model.now - age.as_secs() as i64 * SECOND;
        assert_eq!(purged.unwrap(), self.model.apply_purge(tenant_index, cut));
    }

    /// The records may be gone although what is left of them in the files could not be wiped.
    fn settle_purge(&mut self, tenant_index: usize, age: i64) {
        self.settle(move |model, _| {
            let cut = model.now - age;
            model.apply_purge(tenant_index, cut) > 0
        });
    }

    pub(super) fn change_keys(&mut self, tenant_index: usize) {
        let choice = self.dice.below(4);
        let target = self.dice.roll() as usize;
        self.record_call(format!("keys {tenant_index} {choice}"));
        let way = self.way;
        match choice {
            0 => {
                let rotated = self.ask(tenant_index, |tenant| match way.rest(tenant) {
                    Some(rest) => rest.rotate_keys(),
                    None => tenant.rotate_keys(),
                });
                let Some(rotated) = rotated else {
                    return self.settle(move |model, look| {
                        model.apply_rotation(tenant_index);
                        model.learn_keys(tenant_index, &look.0[tenant_index].keys);
                        true
                    });
                };
                self.model.see_clock();
                if self.model.count_keys(tenant_index, KeyState::Retiring) >= 100 {
                    return assert_eq!(code(rotated), Some(ErrorCode::TooManyRequests));
                }
                self.model.apply_rotation(tenant_index);
                assert_eq!(rotated.unwrap().to_string(), self.model.active_kid(tenant_index));
            }
            1 => {
                let count = self.model.tenants[tenant_index].keys.len();
                let at = count - 1 - target % count.min(4);
                let (kid, state) = {
                    let key = &self.model.tenants[tenant_index].keys[at];
                    (key.kid, key.state)
                };
                let answer = self.ask(tenant_index, |tenant| match way.rest(tenant) {
                    Some(rest) => rest.retire_key(kid),
                    None => tenant.retire_key(kid),
                });
                let Some(answer) = answer else {
                    return self.settle(move |model, look| {
                        model.apply_retirement(tenant_index, kid);
                        model.learn_keys(tenant_index, &look.0[tenant_index].keys);
                        true
                    });
                };
                self.model.see_clock();
                match state {
                    KeyState::Active => assert_eq!(code(answer), Some(ErrorCode::ValidationError)),
                    _ => {
                        answer.unwrap();
                        self.model.apply_retirement(tenant_index, kid);
                    }
                }
                if !self.model.refuses_writes {
                    let elsewhere = self.tenants[1 - tenant_index].retire_key(kid);
                    assert_eq!(code(elsewhere), Some(ErrorCode::NotFound));
                }
            }
            _ => {}
        }
        self.check_keys(tenant_index);
    }

    pub(super) fn check_keys(&mut self, tenant_index: usize) {
        let tenant = &self.tenants[tenant_index];
        let (listed, jwks) = match self.way.rest(tenant) {
            Some(rest) => (rest.keys().unwrap(), rest.jwks().unwrap().to_string()),
            None => (listed_keys(&tenant.keys().unwrap()), tenant.jwks().unwrap().to_string()),
        };
        self.model.see_clock();
        self.model.learn_keys(tenant_index, &listed);
        for (listed, known) in listed.iter().zip(&self.model.tenants[tenant_index].keys) {
            let state = self.model.state_of(known);
            assert_eq!(*listed, (known.kid, state));
            assert_eq!(jwks.contains(&known.kid.to_string()), state != KeyState::Retired);
        }
        for one in [KeyState::Next, KeyState::Active] {
            assert_eq!(listed.iter().filter(|(_, state)| *state == one).count(), 1);
        }
    }
}
