//! Reading the log of events.

use hellojohn::{EventPage, EventQuery, Limit};

use super::History;

impl History {
    /// Reads what was told since the last time, page by page.
    pub(super) fn read_events(&mut self, tenant_index: usize) {
        self.record_call(format!("events {tenant_index}"));
        let limit = Limit::new(1 + self.dice.below(100) as i64).unwrap();
        loop {
            let after = self.model.tenants[tenant_index].log.read;
            let query = EventQuery::default().after(after).limit(limit);
            // Without the place in the file up to which it was read, which is another one each time that it is opened.
            let read = |page: EventPage| (page.data, page.has_more);
            let Some(answer) = self.ask(tenant_index, |tenant| tenant.events(&query).map(read)) else {
                return self.check_nothing_happened();
            };
            self.model.see_clock();
            let (events, has_more) = answer.unwrap();
            for event in &events {
                self.model.read_event(tenant_index, event);
            }
            if !has_more {
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
            self.model.see_clock();
            for event in &page.data {
                self.model.read_event(tenant_index, event);
            }
            if !page.has_more {
                return self.model.check_log_is_whole(tenant_index, is_swept);
            }
        }
    }
}
