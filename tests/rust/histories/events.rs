//! Reading the log of events.

use hellojohn::{EventQuery, Limit};

use super::History;

impl History {
    /// Reads what was told since the last time, page by page.
    pub(super) fn read_events(&mut self, tenant_index: usize) {
        self.record_call(format!("events {tenant_index}"));
        let limit = Limit::new(1 + self.dice.below(100) as i64).unwrap();
        loop {
            let after = self.model.tenants[tenant_index].log.read;
            let query = EventQuery::default().after(after).limit(limit);
            let Some(answer) = self.ask(tenant_index, |tenant| tenant.events(&query)) else { return };
            let page = answer.unwrap();
            for event in &page.data {
                self.model.read_event(tenant_index, event);
            }
            if !page.has_more {
                return self.model.check_log_is_whole(tenant_index, false);
            }
        }
    }

    /// The same on a disk that is sound, before the log may change in a way that is not known.
    pub(super) fn read_every_event(&mut self, tenant_index: usize, is_swept: bool) {
        loop {
            let after = self.model.tenants[tenant_index].log.read;
            let query = EventQuery::default().after(after).limit(Limit::new(100).unwrap());
            let page = self.tenants[tenant_index].events(&query).unwrap();
            for event in &page.data {
                self.model.read_event(tenant_index, event);
            }
            if !page.has_more {
                return self.model.check_log_is_whole(tenant_index, is_swept);
            }
        }
    }
}
