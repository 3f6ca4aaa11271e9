//! Reading the log of events.

use hellojohn::{Error, EventQuery, Limit, Tenant};

use super::History;
use super::answers::Told;

/// What was told behind this event, and whether there is more: without the place in the file up to which it was read, which is another
/// one each time that it is opened.
fn read(tenant: &Tenant, after: u64, limit: usize) -> Result<(Vec<Told>, bool), Error> {
    let query = EventQuery::default().after(after).limit(Limit::new(limit as i64)?);
    let page = tenant.events(&query)?;
    Ok((page.data.iter().map(Told::from).collect(), page.has_more))
}

impl History {
    /// Reads what was told since the last time, page by page.
    pub(super) fn read_events(&mut self, tenant_index: usize) {
        self.record_call(format!("events {tenant_index}"));
        let (way, limit) = (self.way, 1 + self.dice.below(100));
        loop {
            let after = self.model.tenants[tenant_index].log.read;
            let answer = self.ask(tenant_index, |tenant| match way.rest(tenant) {
                Some(rest) => rest.events(after, limit),
                None => read(tenant, after, limit),
            });
            let Some(answer) = answer else { return self.check_nothing_happened() };
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
            let (events, has_more) = read(&self.tenants[tenant_index], after, 100).unwrap();
            self.model.see_clock();
            for event in &events {
                self.model.read_event(tenant_index, event);
            }
            if !has_more {
                return self.model.check_log_is_whole(tenant_index, is_swept);
            }
        }
    }
}
