//! The Rust part of `make demo`: a shop that signs users in and checks every request. It reads one command a line and
//! answers each with lines that end with a single dot. See `examples/demo/README.md`.
#![allow(clippy::print_stdout)]

use std::io::stdin;

use hellojohn::{ClientInfo, CreateSession, Engine, Error, ErrorCode, Tenant};

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |name: &str| arguments.next().ok_or_else(|| Error::validation(name, "is missing"));
    let engine = Engine::open(argument("database")?)?;
    let tenant = engine.tenant(&argument("tenant_id")?.parse()?, &argument("secret_key")?.parse()?)?;
    for line in stdin().lines() {
        let line = line.map_err(|_| Error::new(ErrorCode::BadRequest, "standard input cannot be read"))?;
        let fields: Vec<&str> = line.split('\t').collect();
        match run_command(&tenant, &fields) {
            Ok(lines) => print!("{lines}"),
            Err(error) => println!("error\t{}", error.code()),
        }
        println!(".");
    }
    engine.close()
}

fn run_command(tenant: &Tenant, fields: &[&str]) -> Result<String, Error> {
    match fields {
        // A user has proven who they are on this device.
        ["sign-in", user, ip_address, country, user_agent] => {
            let grant = tenant.create(
                CreateSession::new(user.parse()?).client(
                    ClientInfo::default()
                        .ip_address(Some(ip_address.parse()?))
                        .country(Some(country.parse()?))
                        .user_agent(Some(user_agent.parse()?)),
                ),
            )?;
            let tokens = (grant.access_token.expose(), grant.refresh_token.expose());
            Ok(format!("{}\t{}\t{}\n", grant.session.id, tokens.0, tokens.1))
        }
        // A request with an access token arrives.
        ["request", access_token] => {
            let verified = tenant.verify_access_token(access_token).map_err(Error::from)?;
            Ok(format!("{}\t{}\n", verified.claims.user_id, verified.session.device_type.as_str()))
        }
        _ => Err(Error::new(ErrorCode::BadRequest, "unknown command")),
    }
}
