//! What a command works with: its options, its streams, and the database behind them.

use std::path::Path;

use hellojohn::{Actor, Engine, EngineBuilder, SecretKey, Tenant, TenantId};

use crate::api::Api;
use crate::failure::CommandFailure;
use crate::key_source::find_key;
use crate::options::GlobalOptions;
use crate::streams::Streams;

/// What a command works with.
pub(crate) struct Context<'a> {
    pub options: &'a GlobalOptions,
    pub streams: &'a mut Streams,
}

impl Context<'_> {
    /// The tenant's calls in the form of REST.
    pub fn api(&mut self) -> Result<Api, CommandFailure> {
        Api::new(self.open_tenant()?, &self.options.actor)
    }

    /// The tenant, for changes of the actor that the options name. Neither it nor its database is made here.
    pub fn open_tenant(&mut self) -> Result<Tenant, CommandFailure> {
        self.open_tenant_with(|engine| engine)
    }

    /// The same on an engine with further options.
    pub fn open_tenant_with(
        &mut self,
        further: impl FnOnce(EngineBuilder) -> EngineBuilder,
    ) -> Result<Tenant, CommandFailure> {
        let (id, key) = (self.tenant_id()?, self.secret_key()?);
        self.require_database()?;
        let engine = further(self.engine()).open(&self.options.database)?;
        let tenant = engine.existing_tenant(&id, &key).map_err(|error| {
            let is_missing = error.code() == hellojohn::ErrorCode::NotFound;
            let failure = CommandFailure::from(error);
            if is_missing {
                failure.with_hint("check --tenant and --database; `hellojohn init` makes a tenant")
            } else {
                failure
            }
        })?;
        Ok(tenant.with_actor(Some(self.actor()?)))
    }

    /// The database, which has to be there.
    pub fn open_engine(&self) -> Result<Engine, CommandFailure> {
        self.require_database()?;
        Ok(self.engine().open(&self.options.database)?)
    }

    pub fn tenant_id(&self) -> Result<TenantId, CommandFailure> {
        match &self.options.tenant {
            Some(id) => Ok(id.parse()?),
            None => Err(CommandFailure::usage(
                "this command needs to know the tenant",
                "name it with --tenant, or set HELLOJOHN_TENANT_ID",
            )),
        }
    }

    pub fn secret_key(&mut self) -> Result<SecretKey, CommandFailure> {
        find_key(self.options, self.streams)
    }

    pub fn actor(&self) -> Result<Actor, CommandFailure> {
        Ok(self.options.actor.parse()?)
    }

    /// How to open the database.
    pub fn engine(&self) -> EngineBuilder {
        let builder = Engine::builder().allow_network_file_system(self.options.allow_network_file_system);
        match &self.options.issuer {
            Some(issuer) => builder.issuer(issuer.as_str()),
            None => builder,
        }
    }

    /// Refuses a file that is not there: opening it would make an empty database beside the one that was meant.
    fn require_database(&self) -> Result<(), CommandFailure> {
        match self.database_file() {
            Some(file) if !file.exists() => {
                Err(CommandFailure::storage(format!("there is no database at {}", file.display()))
                    .with_hint("check --database and HELLOJOHN_DATABASE; `hellojohn init` makes a database"))
            }
            _ => Ok(()),
        }
    }

    /// The database's file; nothing for a database in memory or on a server.
    pub fn database_file(&self) -> Option<&Path> {
        let database = &self.options.database;
        let is_url = database.to_str().is_some_and(|text| text.contains("://"));
        (!is_url && database != ":memory:").then(|| Path::new(database))
    }
}
