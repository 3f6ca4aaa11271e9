//! The clock of a history: it steps, also to the instants at which something ends, and back.

use hellojohn::Timestamp;

use crate::fixture::{DAY, HOUR, SECOND};

use super::History;
use super::model::SessionModel;
use super::place::TENANTS;

impl History {
    pub(super) fn move_clock(&mut self) {
        let tenant_index = self.dice.below(TENANTS);
        let edge = self.pick_session(tenant_index).map(|session_index| {
            let settings = self.model.tenants[tenant_index].settings;
            let SessionModel { active, expires, access_exp, .. } =
                self.model.tenants[tenant_index].sessions[session_index];
            let idle = active + settings.idle_timeout.unwrap_or(HOUR);
            *self.dice.pick(&[expires, access_exp, idle, active + settings.reuse_window])
        });
        let unit = *self.dice.pick(&[1, 1, SECOND, SECOND, 60 * SECOND, HOUR, DAY]);
        let step = self.dice.below(40) as i64 * unit;
        let to = match (self.dice.below(8), edge) {
            (0..3, Some(edge)) if edge < self.model.now + 60 * DAY => edge + self.dice.below(3) as i64 - 1,
            (3, _) => self.model.clock - step,
            (4, _) => self.model.now,
            _ => self.model.clock + step,
        };
        // A call that could not write has shown its time to the engine, or not.
        let to = if self.model.refuses_writes { to.max(self.model.clock) } else { to };
        self.record_call(format!("clock {to}"));
        self.model.clock = to;
        self.clock.set(Timestamp::from_millis(to));
    }

    pub(super) fn lower_clock_mark(&mut self) {
        if self.model.refuses_writes || self.model.has_doubtful_key {
            return;
        }
        self.record_call("lower the clock mark".to_owned());
        self.engine.lower_clock_mark().unwrap();
        self.planned.iter_mut().for_each(|planned| planned.is_outdated = true);
        self.model.see_clock();
        for tenant_index in 0..TENANTS {
            self.model.keep_ends(tenant_index);
            self.model.extend_active_key(tenant_index);
        }
        self.model.now = self.model.clock.max(0);
    }
}
