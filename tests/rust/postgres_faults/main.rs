//! The engine over PostgreSQL when the server, the network or the process fails: nothing that was acknowledged is lost, and
//! nothing that was revoked comes back. `tests/postgres/run cargo test -p hellojohn-tests --test postgres_faults`.
#![allow(clippy::print_stdout)] // what was counted

mod access;
mod cut_steps;
mod cut_world;
mod failover;
#[allow(dead_code, reason = "the tests of the store itself use the rest")]
#[path = "../../../core/src/store/postgres/tests/fault_proxy.rs"]
mod fault_proxy;
mod histories;
mod leases;
mod load;
mod message_cuts;
mod message_proxy;
mod network;
mod opening_cuts;
mod server;
mod server_clocks;
mod unconfirmed;
