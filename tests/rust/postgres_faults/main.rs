//! The engine over PostgreSQL when the server, the network or the process fails: nothing that was acknowledged is lost, and
//! nothing that was revoked comes back. `tests/postgres/run cargo test -p hellojohn-tests --test postgres_faults`.

mod access;
mod failover;
#[allow(dead_code, reason = "the tests of the store itself use the rest")]
#[path = "../../../core/src/store/postgres/tests/fault_proxy.rs"]
mod fault_proxy;
mod leases;
mod load;
mod network;
