//! Connections that are cut at every message while a database is opened, its tables are made, and a tenant begins: it opens, and
//! is whole. `HJ_MESSAGE_CUTS=n` cuts at so many of a hundred messages.

use std::time::Duration;

use hellojohn::Engine;
use hellojohn_tests::fixture::{sign_in, tenant};
use hellojohn_tests::postgres::Schema;

use crate::message_cuts::stride;
use crate::message_proxy::{Cut, MessageProxy, PLACES, Side, Way};
use crate::network::through;

/// Longer than any new connection takes, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(120);

/// Opens a database, and a tenant that is new to it, and says whether the cut was made.
fn open_with_cut(url: &str, cut: Cut) -> usize {
    let (server, through) = through(url);
    let proxy = MessageProxy::start(server);
    let name = format!("tnt_{:?}_{:?}_{}", cut.way, cut.side, cut.message);
    proxy.cut(vec![cut]);
    let far = Engine::builder().busy_timeout(PATIENCE).open(through(proxy.address()));
    let far = tenant(&far.unwrap_or_else(|error| panic!("{cut:?}: {error}")), &name);
    let made = proxy.made().0;
    proxy.cut(Vec::new());
    let near = tenant(&Engine::open(url).expect("the server is up"), &name);
    let grant = sign_in(&far, "usr_1");
    near.verify_access_token(grant.access_token.expose()).expect("the tenant's keys are the same");
    made
}

/// The same with a cut at each message; `url` names the database of each time.
fn open_with_cuts(stride: u64, mut url: impl FnMut() -> String) {
    let mut count = 0;
    for (way, side) in PLACES {
        for message in (1..).step_by(stride as usize) {
            let made = open_with_cut(&url(), Cut { way, message, side, for_good: false });
            if made == 0 {
                break;
            }
            count += made;
        }
    }
    println!("{count} cuts");
}

fn new_schema() -> String {
    let folder = tempfile::tempdir().expect("a folder");
    Schema::of_folder(folder.path()).expect("HJ_PG is set: tests/postgres/run cargo test …").url()
}

#[test]
fn a_database_opens_and_a_tenant_begins_though_connections_are_cut() {
    let url = new_schema();
    Engine::open(&url).expect("the server is up");
    open_with_cuts(stride(), || url.clone());
}

#[test]
fn tables_are_made_whole_though_connections_are_cut() {
    open_with_cuts(4 * stride(), new_schema);
}

#[test]
fn an_opening_whose_connection_is_cut_in_the_middle_of_the_tables_begins_again() {
    for message in [37, 50, 70] {
        let cut = Cut { way: Way::ToServer, message, side: Side::Before, for_good: false };
        assert_eq!(open_with_cut(&new_schema(), cut), 1);
    }
}
