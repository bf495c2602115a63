//! What the cluster's keeper has to run so that a store may do its part, and nothing else.

use std::path::{Path, PathBuf};

use aisle_contract::enrolment::Secret;
use aisle_domain::{Lane, StoreId};

use super::{enrol::write, needed_store};
use crate::{
    Centre,
    error::CentralError,
    views::{CommandView, GrantView, GrantsView},
};

/// Rounds of hashing: what Kafka asks for at least is half of this.
const ITERATIONS: u32 = 8192;
const CONFIGS: &str = "kafka-configs.sh";
const ACLS: &str = "kafka-acls.sh";

/// How the commands are written.
#[derive(Debug, Clone, Default)]
pub struct GrantsOptions {
    /// Take everything away again.
    pub revoke: bool,
    /// Write the store's password to this new file, for the command that makes its user.
    pub secret_file: Option<PathBuf>,
    /// The cluster as its keeper reaches it.
    pub bootstrap: Option<String>,
    /// The keeper's own client settings.
    pub command_config: Option<PathBuf>,
}

/// A word of a shell's line, as it is taken literally.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:,=@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

struct Keeper<'a> {
    options: &'a GrantsOptions,
}

impl Keeper<'_> {
    fn command(&self, tool: &'static str, rest: &[&str]) -> CommandView {
        let bootstrap = self.options.bootstrap.as_deref().unwrap_or("BROKERS");
        let mut arguments = vec!["--bootstrap-server".to_owned(), bootstrap.to_owned()];
        if let Some(config) = &self.options.command_config {
            arguments.extend(["--command-config".to_owned(), config.display().to_string()]);
        }
        arguments.extend(rest.iter().map(|word| (*word).to_owned()));
        let line = std::iter::once(tool.to_owned()).chain(arguments.iter().map(|word| quoted(word)));
        CommandView { tool, line: line.collect::<Vec<_>>().join(" "), arguments }
    }

    fn acl(&self, principal: &str, grant: &GrantView) -> CommandView {
        let mut rest: Vec<&str> = if self.options.revoke { vec!["--remove", "--force"] } else { vec!["--add"] };
        rest.extend(["--allow-principal", principal]);
        for operation in &grant.operations {
            rest.extend(["--operation", operation]);
        }
        rest.extend([if grant.resource == "group" { "--group" } else { "--topic" }, &grant.name]);
        rest.extend(["--resource-pattern-type", grant.pattern]);
        self.command(ACLS, &rest)
    }

    fn user(&self, username: &str) -> CommandView {
        let named = ["--alter", "--entity-type", "users", "--entity-name", username];
        if self.options.revoke {
            return self.command(CONFIGS, &[&named[..], &["--delete-config", "SCRAM-SHA-512"]].concat());
        }
        let file = self.options.secret_file.as_deref().unwrap_or(Path::new("SECRET_FILE")).display().to_string();
        self.command(CONFIGS, &[&named[..], &["--add-config-file", &file]].concat())
    }
}

fn grant(resource: &'static str, name: String, operations: &[&'static str]) -> GrantView {
    GrantView { resource, name, pattern: "literal", operations: operations.to_vec() }
}

impl Centre {
    /// Exactly the rights that a store's desks use, and the commands that give or take them. Needs no broker.
    ///
    /// # Errors
    /// [`CentralError::NotFound`] for a store that is not known or has no user, [`CentralError::Taken`] when
    /// the secret's file is there already, [`CentralError::File`] when it cannot be written.
    pub fn grants(&self, store: StoreId, options: &GrantsOptions) -> Result<GrantsView, CentralError> {
        let user = self.ledger()?.read(|tx| {
            needed_store(tx, store)?;
            tx.store_user(store)?.ok_or_else(|| CentralError::NotFound {
                what: format!("user of store {store}; enrol it with --ca-file or --sasl, which makes one"),
            })
        })?;
        let names = self.names();
        let mut grants = vec![grant("topic", names.changes(), &["Write", "Describe"])];
        grants.extend(Lane::ALL.map(|lane| grant("topic", names.feed(store, lane), &["Read", "Describe"])));
        grants.push(grant("group", names.desk_group(store), &["Read"]));
        let principal = format!("User:{}", user.username);
        let keeper = Keeper { options };
        let mut commands = vec![keeper.user(&user.username)];
        commands.extend(grants.iter().map(|grant| keeper.acl(&principal, grant)));
        let mut notes = vec![format!("run these as somebody who may alter the cluster of {}", names.changes())];
        if options.revoke {
            // A user that is gone keeps the connections it has; what it may do there ends with its rights.
            commands.rotate_left(1);
            notes.push(
                "rights come before the user: taking the user away does not end connections that are open".into(),
            );
        } else {
            notes.push(
                "kafka-configs.sh takes the password from the file, so that no list of processes shows it; \
                 remove the file once the user is made"
                    .into(),
            );
        }
        if let Some(file) = options.secret_file.as_deref().filter(|_| !options.revoke) {
            write(file, login(&user.password).expose())?;
        }
        Ok(GrantsView { store_id: store, principal, grants, commands, notes })
    }
}

/// As `--add-config-file` reads it.
fn login(password: &Secret) -> Secret {
    Secret::new(format!("SCRAM-SHA-512=iterations={ITERATIONS},password={}\n", password.expose()))
}
