//! Where a request comes from, as far as the host can tell.

use std::net::IpAddr;
use std::sync::Arc;

use crate::rest::ClientAddress;
use crate::rest::http::request::Parts;

/// How the address of a client is found in a request.
#[derive(Clone, Default)]
pub(super) struct AddressSource(Option<Arc<Find>>);

type Find = dyn Fn(&Parts) -> Option<IpAddr> + Send + Sync;

impl AddressSource {
    pub(super) fn new(find: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static) -> Self {
        AddressSource(Some(Arc::new(find)))
    }

    /// Notes the address, unless the host has noted one.
    pub(super) fn note(&self, parts: &mut Parts) {
        if parts.extensions.get::<ClientAddress>().is_none()
            && let Some(address) = self.0.as_ref().and_then(|find| find(parts))
        {
            parts.extensions.insert(ClientAddress(Some(address.into())));
        }
    }
}
