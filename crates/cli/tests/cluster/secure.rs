//! A cluster with TLS and users.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use aisle_testkit::kafka::{Cluster, ClusterOptions, Kit};

pub(crate) const USERS: [(&str, &str); 2] = [("admin", "admin-secret"), ("store-367", "store-secret")];

/// Certificates of an authority of one's own, and one of a stranger.
fn certificates(dir: &Path) {
    let script = r#"
        set -e
        for who in own strange; do
            openssl ecparam -name prime256v1 -genkey -noout -out $who.key
            openssl req -x509 -new -key $who.key -sha256 -days 2 -subj "/CN=$who authority" -out $who.pem
        done
        openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out server.key
        openssl req -new -key server.key -subj "/CN=localhost" -out server.csr
        printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' >names
        openssl x509 -req -in server.csr -CA own.pem -CAkey own.key -CAcreateserial -days 2 -sha256 -extfile names -out server.crt
        cat server.key server.crt own.pem >server.pem
    "#;
    let made = Command::new("bash").args(["-c", script]).current_dir(dir).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// Starts a cluster that takes only users over TLS; answers the folder of its certificates and passwords too.
pub(crate) fn start(test: &str, dir: &Path) -> Option<(Cluster, PathBuf)> {
    Some(start_with(&Kit::require(test)?, dir, &[]))
}

/// The same, and nobody but its keeper may do anything that was not granted.
pub(crate) fn start_guarded(kit: &Kit, dir: &Path) -> (Cluster, PathBuf) {
    let guard = [
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users=User:admin;User:ANONYMOUS",
        "allow.everyone.if.no.acl.found=false",
    ];
    start_with(kit, dir, &guard)
}

/// The settings by which Kafka's own tools sign in.
pub(crate) fn tool_settings(keys: &Path, user: &str, password: &str) -> String {
    let login = "org.apache.kafka.common.security.scram.ScramLoginModule required";
    format!(
        "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n\
         sasl.jaas.config={login} username=\"{user}\" password=\"{password}\";\n\
         ssl.truststore.type=PEM\nssl.truststore.location={}\n",
        keys.join("own.pem").display()
    )
}

fn start_with(kit: &Kit, dir: &Path, more: &[&str]) -> (Cluster, PathBuf) {
    let keys = dir.join("keys");
    std::fs::create_dir(&keys).unwrap();
    certificates(&keys);
    for (user, password) in USERS {
        std::fs::write(keys.join(user), format!("{password}\n")).unwrap();
    }
    std::fs::write(keys.join("wrong"), "guessed\n").unwrap();
    let (admin, secret) = USERS[0];
    let login = "org.apache.kafka.common.security.scram.ScramLoginModule required";
    let mut extra = vec![
        "listener.security.protocol.map=CLIENT:SASL_SSL,CONTROLLER:PLAINTEXT".to_owned(),
        "sasl.enabled.mechanisms=SCRAM-SHA-512".to_owned(),
        "sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512".to_owned(),
        format!(
            "listener.name.client.scram-sha-512.sasl.jaas.config={login} username=\"{admin}\" password=\"{secret}\";"
        ),
        "ssl.keystore.type=PEM".to_owned(),
        format!("ssl.keystore.location={}", keys.join("server.pem").display()),
        "ssl.truststore.type=PEM".to_owned(),
        format!("ssl.truststore.location={}", keys.join("own.pem").display()),
    ];
    extra.extend(more.iter().map(|setting| (*setting).to_owned()));
    let users = USERS.map(|(user, password)| format!("SCRAM-SHA-512=[name={user},password={password}]"));
    let format = users.into_iter().flat_map(|user| ["--add-scram".to_owned(), user]).collect();
    let options = ClusterOptions { extra, format, ..ClusterOptions::default() };
    (Cluster::start(kit, &dir.join("kafka"), &options).unwrap(), keys)
}
