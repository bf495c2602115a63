use std::{fmt::Write, path::Path};

use rdkafka::types::RDKafkaRespErr;

use super::*;

/// Every code that the library knows, by number.
fn every_code() -> Vec<(i32, RDKafkaErrorCode)> {
    (-300..1_000).filter_map(|n| Some((n, RDKafkaRespErr::try_from(n).ok()?.into()))).collect()
}

#[test]
fn each_kind_of_error_has_its_class() {
    use RDKafkaErrorCode as Code;
    let of = |code| classify(code, "t");
    assert!(matches!(of(Code::AllBrokersDown), PortError::Unreachable(_)));
    assert!(matches!(of(Code::NotLeaderForPartition), PortError::TimedOut(_)));
    assert_eq!(of(Code::NotEnoughReplicas), PortError::NotEnoughReplicas);
    assert!(matches!(of(Code::Authentication), PortError::AuthFailed(_)));
    assert_eq!(of(Code::TopicAuthorizationFailed), PortError::NotAuthorized { what: "t".into() });
    assert_eq!(of(Code::UnknownTopicOrPartition), PortError::TopicMissing { topic: "t".into() });
    assert_eq!(of(Code::MessageSizeTooLarge), PortError::TooLarge);
    assert!(matches!(of(Code::OutOfOrderSequenceNumber), PortError::Broken(_)));
    assert_eq!(meaning(Code::OffsetOutOfRange).class(), ErrorClass::MirrorAnew);
    assert_eq!(meaning(Code::RebalanceInProgress).class(), ErrorClass::Retry);
}

#[test]
fn every_code_that_the_library_knows_has_its_place_in_the_table() {
    let codes = every_code();
    assert!(codes.len() > 165, "only {} codes were found", codes.len());
    for (number, code) in codes {
        assert_ne!(meaning(code), Meaning::Unnamed, "{number}: {code:?} is not in the table");
    }
}

#[test]
fn an_error_and_its_class_say_the_same() {
    for (_, code) in every_code() {
        let (class, error) = (meaning(code).class(), classify(code, "t"));
        let said = match &error {
            PortError::Unreachable(_) | PortError::TimedOut(_) => ErrorClass::Retry,
            PortError::TooLarge | PortError::BadSettings(_) => ErrorClass::Refuse,
            PortError::Broken(_) | PortError::OutOfRange { .. } => ErrorClass::NewClient,
            _ => ErrorClass::Pause,
        };
        match class {
            // Whoever reads adds the bounds, and what is no error is never told as one.
            ErrorClass::MirrorAnew | ErrorClass::Fine => {
                assert!(matches!(error, PortError::Broken(_)), "{code:?}");
            }
            class => assert_eq!(class, said, "{code:?}"),
        }
        assert_eq!(error.retryable(), class != ErrorClass::Refuse, "{code:?}");
    }
}

const CLASSES: [(ErrorClass, &str, &str); 6] = [
    (ErrorClass::Retry, "retry", "it passes by itself: tried again for ever, with longer and longer waits"),
    (
        ErrorClass::Pause,
        "pause the lane",
        "nothing more is numbered; the cause is shown; asked again until the cluster has changed",
    ),
    (
        ErrorClass::Refuse,
        "refuse",
        "the cluster does not take this as it is: the words are shown, the change stays in the outbox",
    ),
    (
        ErrorClass::MirrorAnew,
        "mirror anew",
        "the log's bounds are asked for; a position outside of them is mirrored anew",
    ),
    (ErrorClass::NewClient, "new client", "the client is dropped and made anew; what had no report is sent again"),
    (ErrorClass::Fine, "nothing", "not an error"),
];

fn page() -> String {
    let mut text = String::from(
        "# What Kafka's errors mean here\n\n\
         Every code that librdkafka knows, by what is done about it. A code that a newer library adds is `new client`\n\
         until it has a place here. The table is `crates/kafka/src/error_class.rs`; this page is made from it.\n\n\
         | class | what is done | codes |\n|---|---|---|\n",
    );
    for (class, word, what) in CLASSES {
        let codes = every_code().into_iter().filter(|(_, code)| meaning(*code).class() == class);
        let codes: Vec<String> = codes.map(|(number, code)| format!("{code:?} ({number})")).collect();
        writeln!(text, "| {word} | {what} | {} |", codes.join(", ")).unwrap();
    }
    text
}

#[test]
fn the_page_of_errors_is_the_table() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/kafka-errors.md");
    let made = page();
    if std::env::var_os("AISLE_REGENERATE").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == made,
        "docs/kafka-errors.md differs: run AISLE_REGENERATE=1 cargo test -p aisle-kafka --lib, and commit it"
    );
}
