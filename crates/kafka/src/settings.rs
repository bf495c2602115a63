//! How to reach a cluster, and the client settings that the guarantees rest on.

use std::path::PathBuf;

use rdkafka::{ClientConfig, config::RDKafkaLogLevel};

use crate::context::STATISTICS;

/// Whose certificates a secured line trusts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Authority {
    /// Those that the system trusts.
    #[default]
    System,
    /// The one in this file.
    File(PathBuf),
    /// The one in this text.
    Pem(String),
}

impl From<Option<PathBuf>> for Authority {
    fn from(file: Option<PathBuf>) -> Self {
        file.map_or(Self::System, Self::File)
    }
}

/// How the line is secured.
#[derive(Clone, Default)]
pub enum Security {
    /// Neither TLS nor users.
    #[default]
    Plaintext,
    /// TLS, and SCRAM-SHA-512.
    SaslSsl {
        /// The user.
        username: String,
        /// The password: read from a file by whoever makes these settings, shown nowhere.
        password: String,
        /// Whose certificates are trusted.
        authority: Authority,
    },
}

impl std::fmt::Debug for Security {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plaintext => f.write_str("Plaintext"),
            Self::SaslSsl { username, authority, .. } => f
                .debug_struct("SaslSsl")
                .field("username", username)
                .field("authority", authority)
                .finish_non_exhaustive(),
        }
    }
}

/// How to reach a cluster.
#[derive(Debug, Clone, Default)]
pub struct KafkaSettings {
    /// `host:port`, separated by commas.
    pub brokers: String,
    /// How the line is secured.
    pub security: Security,
    /// Who asks, as the cluster's logs show it.
    pub client_id: String,
    /// The group that readers name, which the cluster must allow; they never join it.
    pub group: String,
}

impl KafkaSettings {
    fn base(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", &self.client_id)
            .set("allow.auto.create.topics", "false")
            .set("enable.metrics.push", "false")
            .set("socket.keepalive.enable", "true")
            // A machine that is paused holds its partitions for as long as this.
            .set("socket.timeout.ms", "8000")
            .set("socket.connection.setup.timeout.ms", "5000")
            .set("socket.nagle.disable", "true")
            .set("reconnect.backoff.ms", "100")
            .set("reconnect.backoff.max.ms", "2000")
            .set("log.connection.close", "false")
            // Leaders move; what was learned of them is asked again soon.
            .set("topic.metadata.refresh.interval.ms", "10000")
            .set("topic.metadata.refresh.fast.interval.ms", "100")
            .set_log_level(RDKafkaLogLevel::Warning);
        if let Security::SaslSsl { username, password, authority } = &self.security {
            config
                .set("security.protocol", "SASL_SSL")
                .set("sasl.mechanisms", "SCRAM-SHA-512")
                .set("sasl.username", username)
                .set("sasl.password", password)
                .set("ssl.endpoint.identification.algorithm", "https");
            match authority {
                Authority::System => config.set("ssl.ca.location", "probe"),
                Authority::File(file) => config.set("ssl.ca.location", file.to_string_lossy()),
                Authority::Pem(text) => config.set("ssl.ca.pem", text),
            };
        }
        config
    }

    /// A client that asks, and makes topics: it reads nothing, so that it names no group and keeps no line to the machine
    /// that would hold it.
    pub(crate) fn asking(&self) -> ClientConfig {
        self.base()
    }

    /// An idempotent producer: what is acknowledged is on as many machines as the topic asks, once, in order.
    pub(crate) fn producer(&self) -> ClientConfig {
        let mut config = self.base();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.codec", "zstd")
            .set("statistics.interval.ms", STATISTICS.as_millis().to_string())
            // A batch is handed over at once; one decision need not wait for others.
            .set("linger.ms", "1")
            .set("message.timeout.ms", "30000")
            // A topic that is not there is told before whoever waits gives up; one that was just made is waited for
            // by trying again.
            .set("topic.metadata.propagation.max.ms", "1000")
            .set("request.timeout.ms", "8000")
            .set("retry.backoff.ms", "50")
            .set("retry.backoff.max.ms", "500")
            .set("queue.buffering.max.messages", "20000")
            .set("queue.buffering.max.kbytes", "65536")
            .set("message.max.bytes", "1100000");
        config
    }

    /// A consumer that joins no group: its positions are kept elsewhere.
    pub(crate) fn reader(&self) -> ClientConfig {
        self.consumer(if self.group.is_empty() { "aisle-reading" } else { &self.group })
    }

    fn consumer(&self, group: &str) -> ClientConfig {
        let mut config = self.base();
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // A position that is not in the log is an error, never a jump.
            .set("auto.offset.reset", "error")
            .set("isolation.level", "read_committed")
            // A machine answers as soon as there is something; this is how often an idle feed asks again.
            .set("fetch.wait.max.ms", "2000")
            .set("fetch.error.backoff.ms", "100")
            .set("queued.max.messages.kbytes", "8192");
        config
    }

    /// A member of a group of workers.
    pub(crate) fn member(&self, group: &str) -> ClientConfig {
        let mut config = self.consumer(group);
        config
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "1500")
            .set("auto.offset.reset", "latest");
        config
    }
}
