//! Making and checking topics.

use std::{collections::BTreeMap, time::Duration};

use aisle_contract::{PortError, TopicAdmin, TopicSpec, TopicState, Transport};
use pollster::block_on;
use rdkafka::{
    admin::{
        AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
    },
    error::KafkaError,
    types::RDKafkaErrorCode,
};

use crate::{
    Kafka,
    context::Observer,
    error_class::{classify, classify_kafka},
};

/// How long a cluster that is there takes to answer, at most.
const ANSWERING: Duration = Duration::from_secs(8);
/// How long a cluster may take to show everywhere what was made.
const SETTLING: Duration = Duration::from_secs(10);

impl Kafka {
    fn admin(&self) -> Result<AdminClient<Observer>, PortError> {
        self.settings
            .asking()
            .create_with_context(Observer::new(self.health.clone()))
            .map_err(|e: KafkaError| PortError::BadSettings(e.to_string()))
    }

    /// Settings of topics that are there, by topic and name.
    fn describe(
        &self,
        names: &[&str],
        options: &AdminOptions,
    ) -> Result<BTreeMap<String, BTreeMap<String, String>>, PortError> {
        let resources: Vec<_> = names.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
        let admin = self.admin()?;
        let answers =
            block_on(admin.describe_configs(&resources, options)).map_err(|e| classify_kafka(&e, "topics"))?;
        let mut found = BTreeMap::new();
        for (name, answer) in names.iter().zip(answers) {
            let resource = answer.map_err(|code| classify(code, name))?;
            // A topic has settings; none at all are shown to those who may not see them, as if all were well.
            if resource.entries.is_empty() {
                return Err(PortError::NotAuthorized { what: format!("the settings of {name}") });
            }
            let settings =
                resource.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?))).collect();
            found.insert((*name).to_owned(), settings);
        }
        Ok(found)
    }
}

fn options(timeout: Duration) -> AdminOptions {
    AdminOptions::new().request_timeout(Some(timeout)).operation_timeout(Some(timeout))
}

/// Answers of one kind of request; what is there already is fine.
fn each(answers: Vec<Result<String, (String, RDKafkaErrorCode)>>) -> Result<(), PortError> {
    for answer in answers {
        match answer {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, RDKafkaErrorCode::InvalidReplicationFactor)) => {
                let words =
                    format!("{name} cannot be made: the cluster has fewer machines than the copies it needs");
                return Err(PortError::BadSettings(words));
            }
            Err((name, code)) => return Err(classify(code, &name)),
        }
    }
    Ok(())
}

impl TopicAdmin for Kafka {
    fn check(&self, specs: &[TopicSpec], timeout: Duration) -> Result<Vec<TopicState>, PortError> {
        let names: Vec<String> = specs.iter().map(|spec| spec.name.clone()).collect();
        let view = self.metadata(&names, timeout.min(ANSWERING))?;
        let present: Vec<&str> = view.topics.iter().map(|topic| topic.name.as_str()).collect();
        let settings =
            if present.is_empty() { BTreeMap::new() } else { self.describe(&present, &options(timeout))? };
        Ok(specs
            .iter()
            .map(|spec| {
                let Some(topic) = view.topic(&spec.name) else {
                    return TopicState {
                        name: spec.name.clone(),
                        partitions: 0,
                        replication: 0,
                        problems: vec!["the topic is missing".into()],
                    };
                };
                let partitions = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
                let copies = topic.partitions.iter().map(|p| p.replicas).min().unwrap_or(0);
                let replication = i32::try_from(copies).unwrap_or(i32::MAX);
                let problems = problems(spec, partitions, replication, settings.get(&spec.name));
                TopicState { name: spec.name.clone(), partitions, replication, problems }
            })
            .collect())
    }

    fn create(&self, specs: &[TopicSpec], timeout: Duration) -> Result<Vec<TopicState>, PortError> {
        let before = self.check(specs, timeout)?;
        let admin = self.admin()?;
        let options = options(timeout);
        let (mut missing, mut smaller, mut drifted) = (Vec::new(), Vec::new(), Vec::new());
        for (spec, state) in specs.iter().zip(&before) {
            if state.partitions == 0 {
                let new = NewTopic::new(&spec.name, spec.partitions, TopicReplication::Fixed(spec.replication));
                missing.push(spec.settings.iter().fold(new, |new, (name, value)| new.set(name, value)));
                continue;
            }
            if state.partitions < spec.partitions {
                let count = usize::try_from(spec.partitions).unwrap_or(0);
                smaller.push(NewPartitions::new(&spec.name, count));
            }
            if !state.problems.is_empty() {
                let alter = AlterConfig::new(ResourceSpecifier::Topic(&spec.name));
                drifted.push(spec.settings.iter().fold(alter, |alter, (name, value)| alter.set(name, value)));
            }
        }
        let told = |e: KafkaError| classify_kafka(&e, "topics");
        if !missing.is_empty() {
            each(block_on(admin.create_topics(&missing, &options)).map_err(told)?)?;
        }
        if !smaller.is_empty() {
            each(block_on(admin.create_partitions(&smaller, &options)).map_err(told)?)?;
        }
        if !drifted.is_empty() {
            for answer in block_on(admin.alter_configs(&drifted, &options)).map_err(told)? {
                answer.map_err(|(_, code)| classify(code, "topics"))?;
            }
        }
        self.settled(specs, timeout)
    }
}

impl Kafka {
    /// A topic that was just made shows in metadata, and its settings in theirs, a moment later: until then a machine
    /// may say that it has no leader, or show no settings at all.
    fn settled(&self, specs: &[TopicSpec], timeout: Duration) -> Result<Vec<TopicState>, PortError> {
        let end = std::time::Instant::now() + timeout.min(SETTLING);
        loop {
            let is_over = std::time::Instant::now() >= end;
            match self.check(specs, timeout) {
                Ok(states) if is_over || states.iter().all(|state| state.problems.is_empty()) => {
                    return Ok(states);
                }
                Err(error) if is_over || !error.retryable() => return Err(error),
                _ => std::thread::sleep(Duration::from_millis(200)),
            }
        }
    }
}

fn problems(
    spec: &TopicSpec,
    partitions: i32,
    replication: i32,
    settings: Option<&BTreeMap<String, String>>,
) -> Vec<String> {
    let mut problems = Vec::new();
    if partitions < spec.partitions {
        problems.push(format!("it has {partitions} partitions, must have {}", spec.partitions));
    }
    if replication < spec.replication {
        problems.push(format!("it has {replication} copies, must have {}", spec.replication));
    }
    for (name, wanted) in &spec.settings {
        match settings.and_then(|settings| settings.get(*name)) {
            Some(found) if found == wanted => {}
            found => problems
                .push(format!("{name} is {}, must be {wanted}", found.map_or("not to be seen", String::as_str))),
        }
    }
    problems
}
