//! Named readers of events, each of which one process at a time is: the position is kept in the database (SPEC 10).

use super::events::{EventPage, EventQuery};
use super::observed::count_rows;
use super::refusals::too_many_consumers;
use super::tenant::Tenant;
use crate::duration::Duration;
use crate::error::Error;
use crate::model::event::EventSeq;
use crate::model::operation::Operation;
use crate::random;
use crate::store::{LeaseHolder, LeaseRecord};
use crate::text;

/// How long a consumer may work without a sign of life before another process takes over.
const LEASE: Duration = Duration::SECONDS_60;

/// How many leases a tenant has at most.
const LEASES_MAX: u64 = 1_000;

/// A named reader of events, such as `mail` or `audit-export`: see [`Tenant::event_consumer`].
///
/// ```
/// # let engine = hellojohn::Engine::open(":memory:")?;
/// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
/// # tenant.update_config(&r#"{"event_retention": "90d"}"#.parse()?)?;
/// let consumer = tenant.event_consumer("audit-export")?;
/// if let Some(page) = consumer.next(&Default::default())? {
///     assert!(consumer.renew()?); // after a while of work
///     assert!(consumer.finish(page.next_after)?);
/// }
/// consumer.release()?; // another process may go on
/// assert!(consumer.forget()?); // and its position is gone
/// # Ok::<(), hellojohn::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct EventConsumer {
    tenant: Tenant,
    lease: String,
    holder: LeaseHolder,
}

impl Tenant {
    /// A named reader of the tenant's events, 1 to 100 bytes. Its position is kept in the database, and one handle at a time, in
    /// all processes, reads under a name. Each event is handed out at least once, in order: again if the process ends before it
    /// said that it is done with it. A new name begins with the oldest event that is kept.
    ///
    /// ```
    /// # let engine = hellojohn::Engine::open(":memory:")?;
    /// # let tenant = engine.tenant(&"tnt_acme".parse()?, &"sk_live_Vq3nT8kLx0cJ5wRzE7uYbA".parse()?)?;
    /// # tenant.update_config(&r#"{"event_retention": "90d"}"#.parse()?)?;
    /// let consumer = tenant.event_consumer("mail")?;
    /// // Nothing while another process reads under this name.
    /// if let Some(page) = consumer.next(&Default::default())? {
    ///     for event in &page.data {
    ///         println!("{} {}", event.r#type, event.data["changed"]);
    ///         consumer.finish(event.seq)?;
    ///     }
    /// }
    /// # assert!(consumer.next(&Default::default())?.unwrap().data.is_empty());
    /// # Ok::<(), hellojohn::Error>(())
    /// ```
    ///
    /// # Errors
    /// `validation_error` for a name that is empty or too long.
    pub fn event_consumer(&self, name: &str) -> Result<EventConsumer, Error> {
        let holder = *random::draw_bytes::<16>(self.random())?;
        self.event_consumer_as(name, holder)
    }

    /// The same under a holder's name that the caller keeps.
    #[doc(hidden)]
    pub fn event_consumer_as(&self, name: &str, holder: [u8; 16]) -> Result<EventConsumer, Error> {
        let name = text::bounded("name", name, 100)?;
        Ok(EventConsumer { tenant: self.clone(), lease: format!("events:{name}"), holder })
    }

    /// Takes or keeps the lease of this name for so long; its position, or nothing while another holder has it.
    pub(super) fn claim(
        &self,
        name: &str,
        holder: LeaseHolder,
        period: Duration,
    ) -> Result<Option<EventSeq>, Error> {
        let name = name.to_owned();
        self.write(move |_, ctx| {
            let found = ctx.transaction.lease(ctx.tenant, &name)?;
            let until = ctx.now.after(period);
            match &found {
                // One that lasts longer than it can is of a time that was false.
                Some(lease) if lease.holder != holder && lease.until > ctx.now && lease.until <= until => {
                    return Ok(None);
                }
                None if ctx.transaction.lease_count(ctx.tenant)? >= LEASES_MAX => {
                    return Err(too_many_consumers().into());
                }
                _ => {}
            }
            let position = found.map_or(0, |lease| lease.position);
            let lease = LeaseRecord { name: name.clone(), holder, until, position };
            ctx.transaction.set_lease(ctx.tenant, &lease)?;
            Ok(Some(position))
        })
    }
}

impl EventConsumer {
    /// The events after the consumer's position, oldest first; nothing while another process reads under the name, which is at
    /// most a minute after its last sign of life. `query` filters; its `after` is not looked at. Takes a write only where
    /// there are events.
    ///
    /// # Errors
    /// `validation_error` when the tenant has 1,000 consumers already.
    pub fn next(&self, query: &EventQuery) -> Result<Option<EventPage>, Error> {
        let rows = |page: &Option<EventPage>| page.as_ref().map_or(0, |page| count_rows(&page.data));
        self.tenant.observe(Operation::NextEvents, rows, || self.read_next(query))
    }

    fn read_next(&self, query: &EventQuery) -> Result<Option<EventPage>, Error> {
        let lease = self.lease.as_str();
        let (found, now) =
            self.tenant.read(|ctx| Ok((ctx.transaction.lease(ctx.tenant, lease)?, ctx.now)))?;
        let position = found.as_ref().map_or(0, |lease| lease.position);
        let is_others = found.is_some_and(|lease| {
            lease.holder != self.holder && lease.until > now && lease.until <= now.after(LEASE)
        });
        if is_others {
            return Ok(None);
        }
        let page = self.tenant.read_events(&EventQuery { after: position, ..query.clone() })?;
        if page.next_after == position {
            return Ok(Some(page));
        }
        match self.tenant.claim(lease, self.holder, LEASE)? {
            None => Ok(None),
            Some(claimed) if claimed == position => Ok(Some(page)),
            Some(claimed) => {
                self.tenant.read_events(&EventQuery { after: claimed, ..query.clone() }).map(Some)
            }
        }
    }

    /// Keeps the position: the consumer is done with every event up to this number. False if another process has taken over
    /// meanwhile; then nothing is changed.
    pub fn finish(&self, through: u64) -> Result<bool, Error> {
        self.tenant.observe(Operation::FinishEvents, |_| 0, || self.hold(Some(through), LEASE))
    }

    /// Says that the consumer is still at work; false if another process has taken over.
    pub fn renew(&self) -> Result<bool, Error> {
        self.tenant.observe(Operation::RenewEvents, |_| 0, || self.hold(None, LEASE))
    }

    /// Lets another process go on at once.
    pub fn release(&self) -> Result<(), Error> {
        self.tenant.observe(Operation::ReleaseEvents, |()| 0, || self.hold(None, Duration::ZERO).map(drop))
    }

    /// Deletes the consumer with its position, unless another process reads under the name; whether it did.
    pub fn forget(self) -> Result<bool, Error> {
        let tenant = self.tenant.clone();
        tenant.observe(Operation::ForgetEvents, |_| 0, || self.delete_lease())
    }

    fn delete_lease(self) -> Result<bool, Error> {
        let (name, holder) = (self.lease, self.holder);
        self.tenant.write(move |_, ctx| {
            let found = ctx.transaction.lease(ctx.tenant, &name)?;
            let is_free = found.is_some_and(|lease| lease.holder == holder || lease.until <= ctx.now);
            if is_free {
                ctx.transaction.delete_lease(ctx.tenant, &name)?;
            }
            Ok(is_free)
        })
    }

    fn hold(&self, through: Option<EventSeq>, period: Duration) -> Result<bool, Error> {
        let (name, holder) = (self.lease.clone(), self.holder);
        self.tenant.write(move |_, ctx| {
            let found = ctx.transaction.lease(ctx.tenant, &name)?;
            let Some(lease) = found.filter(|lease| lease.holder == holder) else { return Ok(false) };
            let position = through.unwrap_or(lease.position).max(lease.position);
            let lease = LeaseRecord { until: ctx.now.after(period), position, ..lease };
            ctx.transaction.set_lease(ctx.tenant, &lease)?;
            Ok(true)
        })
    }
}
