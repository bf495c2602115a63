//! The TypeScript types of the window, generated from the command table and the views.

use std::fmt::Write;

use aisle_domain::{LineState, OrderStatus};
use ts_rs::{Config, TS};

use crate::{error::RpcError, events, pins, settings, table::COMMANDS, views};

const HEAD: &str =
    "// Generated from crates/app (command table and views) by `cargo test -p aisle-app`. Do not edit.\n\n";

/// The whole file, as it must stand in `ui/src/lib/rpc/generated.ts`.
pub fn generate() -> String {
    let config = Config::new().with_large_int("number");
    let mut out = String::from(HEAD);
    for (name, words) in unions() {
        let words: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
        line(&mut out, &format!("export type {name} = {};", words.join(" | ")));
    }
    for declaration in declarations(&config) {
        line(&mut out, &format!("export {declaration}"));
    }
    line(&mut out, "\n/** Every command with its parameters and its answer. */\nexport type Commands = {");
    for command in COMMANDS {
        let (params, result) = ((command.params)(&config), (command.result)(&config));
        line(&mut out, &format!("  \"{}\": {{ params: {params}, result: {result} }},", command.name));
    }
    line(&mut out, "};");
    out
}

fn line(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{text}");
}

/// Words that the domain owns.
fn unions() -> Vec<(&'static str, Vec<&'static str>)> {
    vec![
        ("OrderStatus", OrderStatus::ALL.iter().map(|s| s.word()).collect()),
        ("LineState", LineState::ALL.iter().map(|s| s.word()).collect()),
        ("ChangeState", aisle_mirror::ChangeState::ALL.iter().map(|s| s.word()).collect()),
        ("Right", aisle_domain::Right::ALL.iter().map(|right| right.word()).collect()),
        ("LinkState", aisle_sync::LinkState::ALL.iter().map(|s| s.word()).collect()),
        ("Eyes", vec!["late_arrival", "past_deadline", "paused", "amount", "note", "ask", "out_of_stock"]),
        ("Verdict", vec!["below", "inside", "above"]),
        ("Audience", vec!["staff", "customer"]),
        ("Availability", vec!["available", "out_of_stock"]),
        (
            "DifferenceKind",
            vec!["substitution", "weight", "quantity", "price", "missing", "extra", "discount", "rounding"],
        ),
    ]
}

macro_rules! declare {
    ($config:ident, $($module:ident::$name:ident),* $(,)?) => { vec![$(<$module::$name as TS>::decl($config)),*] };
}

fn declarations(config: &Config) -> Vec<String> {
    let mut all = vec![RpcError::decl(config)];
    all.extend(declare!(
        config,
        views::Role,
        views::Person,
        pins::Pin,
        views::LockedView,
        views::MemberView,
        views::StaffView,
        views::PromiseView,
        views::RemainingView,
        views::ShiftBegun,
        views::HandoverView,
        views::ShiftView,
        views::TallyView,
        views::OftenView,
        views::TimesView,
        views::MarkView,
        views::CauseView,
        views::ShopperDayView,
        views::ReportView,
        views::ExportView,
        views::ReasonView,
        views::ReasonsView,
        views::StoreView,
        views::DeskView,
        views::SessionState,
        views::Session,
        views::LinkView,
        views::OutboxView,
        views::FeedView,
        views::ReplicaView,
        views::Waiting,
        views::StatusView,
        views::SyncState,
        views::RangeView,
        views::DifferenceView,
        views::PaymentView,
        views::LineView,
        views::ReceiptLineView,
        views::ReceiptView,
        views::HistoryEntry,
        views::ShopperView,
        views::OrderCard,
        views::OrderQueue,
        views::LeftOrder,
        views::Bulk,
        views::OrderStage,
        views::Period,
        views::Keeper,
        views::OrderFlag,
        views::OrdersQuery,
        views::FoundView,
        views::FoundOrders,
        views::NamedQuery,
        views::EffectView,
        views::QuantityPreview,
        views::ReplacementView,
        views::ReplacementsView,
        views::ScanOutcome,
        views::ScannedLine,
        views::Undo,
        views::OrderDetail,
        views::ActReceipt,
        views::ItemView,
        views::ItemPage,
        views::PricePoint,
        views::ItemDetail,
        views::ChangeView,
        views::NoticeView,
        views::PushView,
        views::SyncView,
        settings::Security,
        settings::SecretsPlace,
        views::EnrolmentView,
        views::EnrolmentText,
        views::Enrol,
        settings::ConnectionSettings,
        settings::ConnectionStep,
        settings::ConnectionReport,
        settings::SettingsView,
        events::AlarmKind,
        events::Event,
    ));
    all.extend(params(config));
    all
}

fn params(config: &Config) -> Vec<String> {
    declare!(
        config,
        views::OrderKey,
        views::OrderKeys,
        views::RateShopper,
        views::ItemKey,
        views::ChangeKey,
        views::AlarmKey,
        views::SaveView,
        views::ViewKey,
        views::RejectOrder,
        views::SetLine,
        views::PickQuantity,
        views::ReplacementQuery,
        views::ScanLine,
        views::ApprovePayment,
        views::DeclinePayment,
        views::SendBack,
        views::SetDue,
        views::ClaimOrder,
        views::AddNote,
        views::PauseStore,
        views::BusyStore,
        views::ItemQuery,
        views::EditItem,
        views::SetSetting,
        views::PageError,
        views::DayKey,
        views::EndShift,
        views::SetPin,
        views::SetRole,
        views::RenameMember,
        views::MemberKey,
        views::AddMember,
        views::SignIn,
        views::GivenPin,
    )
}
