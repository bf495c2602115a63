//! Acts from the terminal: committed one by one, answered with their change, followed to central where asked.

use std::{str::FromStr, time::Duration};

use aisle_app::{ApprovalReason, Desk, ItemFields, Rejection, RpcError};
use aisle_domain::{LineState, OrderStatus, Timestamp, change::Audience};
use aisle_mirror::{ChangeState, OrderFilter};
use serde_json::{Value, json};

use super::{folder, mend, run};
use crate::{
    args::{ActFlags, Global, Item, Order, Outbox, PageFlags, Payment, Store},
    exit::{self, Failure},
    output::Output,
};

pub(crate) type Act<'a> = &'a dyn Fn(&Desk, &str) -> Result<aisle_app::views::ActReceipt, Failure>;

/// Does one act for each id, each in a transaction of its own. One id answers an object, several a list.
pub(crate) fn each(
    ids: &[String],
    flags: &ActFlags,
    global: &Global,
    output: Output,
    act: Act<'_>,
) -> Result<u8, Failure> {
    let desk = folder::open_to_act(global)?;
    if let [id] = ids {
        let mut receipt =
            serde_json::to_value(act(&desk, id)?).map_err(|e| Failure::new("unexpected", e.to_string()))?;
        follow(&desk, &mut receipt, flags, global)?;
        output.result(&receipt)?;
        return Ok(exit::OK);
    }
    let mut answers = Vec::new();
    let mut failed = false;
    for id in ids {
        let done = act(&desk, id).and_then(|receipt| {
            serde_json::to_value(receipt).map_err(|e| Failure::new("unexpected", e.to_string()))
        });
        match done.and_then(|mut receipt| follow(&desk, &mut receipt, flags, global).map(|()| receipt)) {
            Ok(receipt) => answers.push(receipt),
            Err(failure) => {
                failed = true;
                answers.push(json!({ "id": id, "error": failure.0 }));
            }
        }
    }
    output.result(&answers)?;
    Ok(if failed { exit::REFUSED } else { exit::OK })
}

/// Holds an act for its five seconds, waits for central's word, as the flags ask.
fn follow(desk: &Desk, receipt: &mut Value, flags: &ActFlags, global: &Global) -> Result<(), Failure> {
    if let Value::Object(fields) = receipt {
        fields.remove("undo");
    }
    let id = receipt.get("change_id").and_then(Value::as_str).unwrap_or_default().parse()?;
    if flags.hold {
        if run::interrupted_within(Duration::from_secs(5))? {
            desk.undo(Some(id))?;
            return Err(Failure::new("interrupted", "taken back; nothing was changed"));
        }
        desk.release(Some(id))?;
    }
    if flags.wait.is_some() {
        run::sync_until_outcome(desk, global, flags.timeout)?;
        let change = desk.change(id)?;
        match change.state {
            "received" => receipt["state"] = json!("received"),
            "refused" => {
                let code = change.code.unwrap_or_else(|| "illegal_act".into());
                let message = change.message.unwrap_or_else(|| "central refused it".into());
                return Err(Failure(RpcError { code, message, hint: None, retryable: false }));
            }
            state => {
                let message = format!("the change is saved here and {state}, but central has not answered yet");
                return Err(Failure::new("timed_out", message).with_hint("it goes out with the next sync"));
            }
        }
    }
    Ok(())
}

fn one(id: &str) -> [String; 1] {
    [id.to_owned()]
}

fn parse<T: FromStr>(text: &str) -> Result<T, Failure>
where
    Failure: From<T::Err>,
{
    Ok(text.parse()?)
}

pub(crate) fn order(command: &Order, global: &Global, output: Output) -> Result<u8, Failure> {
    match command {
        Order::List { status, unsent, page } => list_orders(status, *unsent, page, global, output),
        Order::Show { id } => {
            output.result(&folder::open_to_read(global)?.order(parse(id)?)?)?;
            Ok(exit::OK)
        }
        Order::Accept { ids, act } => {
            each(ids, act, global, output, &|desk, id| Ok(desk.accept(parse(id)?, act.hold)?))
        }
        Order::Reject { id, reason, item, note, act } => each(&one(id), act, global, output, &|desk, id| {
            let items = item.iter().map(|item| parse(item)).collect::<Result<_, _>>()?;
            let why = Rejection { reason: reason.clone(), items, note: note.clone() };
            Ok(desk.reject(parse(id)?, &why, act.hold)?)
        }),
        Order::Approve { ids, reason, act } => each(ids, act, global, output, &|desk, id| {
            let why = ApprovalReason { reason: reason.clone(), ..ApprovalReason::default() };
            Ok(desk.approve_order(parse(id)?, &why, act.hold)?)
        }),
        Order::SendBack { id, note, act } => each(&one(id), act, global, output, &|desk, id| {
            Ok(desk.send_back_order(parse(id)?, note.as_deref(), act.hold)?)
        }),
        Order::Due { id, at, act } => {
            each(&one(id), act, global, output, &|desk, id| Ok(desk.set_due(parse(id)?, Some(parse(at)?))?))
        }
        Order::Claim { id, act } => each(&one(id), act, global, output, &|desk, id| Ok(desk.claim(parse(id)?)?)),
        Order::AskRange { id, act } => {
            each(&one(id), act, global, output, &|desk, id| Ok(desk.ask_range(parse(id)?)?))
        }
        Order::Line { id, item, state, quantity, substitute, act } => {
            each(&one(id), act, global, output, &|desk, id| {
                let quantity = quantity.as_deref().map(parse).transpose()?;
                let substitute = substitute.as_deref().map(parse).transpose()?;
                Ok(desk.set_line(parse(id)?, parse(item)?, line_state(state)?, quantity, substitute)?)
            })
        }
        Order::Rate { id, shopper, rating, act } => {
            each(&one(id), act, global, output, &|desk, id| Ok(desk.rate(parse(id)?, parse(shopper)?, *rating)?))
        }
        Order::Note { id, text, audience, act } => each(&one(id), act, global, output, &|desk, id| {
            let audience = match audience.as_str() {
                "staff" => Audience::Staff,
                "customer" => Audience::Customer,
                other => {
                    return Err(Failure::new("usage", format!("a note is for staff or customer, not {other}")));
                }
            };
            Ok(desk.note(parse(id)?, audience, text)?)
        }),
    }
}

pub(crate) fn store(command: &Store, global: &Global, output: Output) -> Result<u8, Failure> {
    const RESUME: &str = "resume";
    match command {
        Store::Pause { until, act } => each(&one(until), act, global, output, &|desk, until| {
            let until = (until != RESUME).then(|| parse(until)).transpose()?;
            Ok(desk.pause(until)?)
        }),
        Store::Busy { minutes: 0, act, .. } => {
            each(&one(""), act, global, output, &|desk, _| Ok(desk.end_busy()?))
        }
        Store::Busy { minutes, until, act } => {
            let until =
                until.as_deref().ok_or_else(|| Failure::new("usage", "until when? name it with --until"))?;
            each(&one(until), act, global, output, &|desk, until| Ok(desk.busy(*minutes, parse(until)?)?))
        }
    }
}

fn line_state(word: &str) -> Result<LineState, Failure> {
    LineState::ALL.into_iter().find(|state| state.word() == word).ok_or_else(|| {
        let words = LineState::ALL.map(LineState::word).join(", ");
        Failure::new("bad_value", format!("\"{word}\" is not a state of a line; there are {words}"))
    })
}

fn list_orders(
    statuses: &[String],
    unsent: bool,
    page: &PageFlags,
    global: &Global,
    output: Output,
) -> Result<u8, Failure> {
    let bad = || Failure::new("bad_value", "the cursor of --after is not one that a list answered");
    let after = match page.after.as_deref().map(|cursor| cursor.split_once(':').ok_or_else(bad)) {
        None => None,
        Some(split) => {
            let (millis, id) = split?;
            Some((Timestamp::from_millis(millis.parse().map_err(|_| bad())?), parse(id)?))
        }
    };
    let statuses = statuses.iter().map(|word| parse(word)).collect::<Result<Vec<OrderStatus>, _>>()?;
    let filter = OrderFilter { statuses, unsent, after, limit: page.limit.into(), ..OrderFilter::default() };
    output.result(&folder::open_to_read(global)?.list_orders(&filter)?)?;
    Ok(exit::OK)
}

pub(crate) fn payment(command: &Payment, global: &Global, output: Output) -> Result<u8, Failure> {
    match command {
        Payment::List { undecided, page } => {
            let after = page.after.as_deref().map(parse).transpose()?;
            let desk = folder::open_to_read(global)?;
            output.result(&desk.list_payments(*undecided, after, page.limit.into())?)?;
            Ok(exit::OK)
        }
        Payment::Show { id } => {
            output.result(&folder::open_to_read(global)?.payment(parse(id)?)?)?;
            Ok(exit::OK)
        }
        Payment::Approve { ids, override_, reason, act } => each(ids, act, global, output, &|desk, id| {
            let why = if *override_ {
                ApprovalReason { override_reason: reason.clone(), ..ApprovalReason::default() }
            } else {
                ApprovalReason { reason: reason.clone(), ..ApprovalReason::default() }
            };
            Ok(desk.approve(parse(id)?, &why, act.hold)?)
        }),
        Payment::Decline { id, reason, ends_order, note, act } => {
            each(&one(id), act, global, output, &|desk, id| {
                Ok(desk.decline(parse(id)?, reason, *ends_order, note.as_deref(), act.hold)?)
            })
        }
    }
}

pub(crate) fn item(command: &Item, global: &Global, output: Output) -> Result<u8, Failure> {
    match command {
        Item::List { page } => list_items("", page, global, output),
        Item::Search { text, page } => list_items(text, page, global, output),
        Item::Show { id } => {
            output.result(&folder::open_to_read(global)?.item(parse(id)?)?)?;
            Ok(exit::OK)
        }
        Item::History { id } => {
            output.result(&folder::open_to_read(global)?.item(parse(id)?)?.prices)?;
            Ok(exit::OK)
        }
        Item::Set { id, fields, act } => each(&one(id), act, global, output, &|desk, id| {
            let fields: ItemFields = fields.iter().cloned().collect();
            Ok(desk.edit_item(parse(id)?, &fields)?)
        }),
        Item::Add { name, price, barcode, category, act } => {
            each(&one(name), act, global, output, &|desk, name| {
                Ok(desk.add_item(name, price, barcode.as_deref(), category.as_deref())?)
            })
        }
        Item::Remove { id, act } => {
            each(&one(id), act, global, output, &|desk, id| Ok(desk.remove_item(parse(id)?)?))
        }
    }
}

fn list_items(text: &str, page: &PageFlags, global: &Global, output: Output) -> Result<u8, Failure> {
    let bad = |_| Failure::new("bad_value", "the cursor of --after is not one that a list answered");
    let after = page.after.as_deref().map_or(Ok(0), |cursor| cursor.parse().map_err(bad))?;
    output.result(&folder::open_to_read(global)?.list_items(text, after, page.limit.into())?)?;
    Ok(exit::OK)
}

pub(crate) fn undo(change: Option<&str>, global: &Global, output: Output) -> Result<u8, Failure> {
    let desk = folder::open_to_act(global)?;
    let receipt = desk.undo(change.map(parse).transpose()?)?;
    output.result(&json!({ "change_id": receipt.change_id, "state": "withdrawn", "subject": receipt.subject }))?;
    Ok(exit::OK)
}

pub(crate) fn outbox(command: &Outbox, global: &Global, output: Output) -> Result<u8, Failure> {
    match command {
        Outbox::List { state, page } => {
            let states = match state {
                Some(word) => vec![parse_state(word)?],
                None => ChangeState::ALL.to_vec(),
            };
            let bad = |_| Failure::new("bad_value", "the cursor of --after is not one that a list answered");
            let after = page.after.as_deref().map(|cursor| cursor.parse().map_err(bad)).transpose()?;
            output.result(&folder::open_to_read(global)?.list_changes(&states, after, page.limit.into())?)?;
            Ok(exit::OK)
        }
        Outbox::Show { change } => {
            output.result(&folder::open_to_read(global)?.change(parse(change)?)?)?;
            Ok(exit::OK)
        }
        Outbox::Withdraw { change } => undo(Some(change), global, output),
        Outbox::Resend { change, fields, act } => {
            each(&one(change), act, global, output, &|desk, id| mend::resend(desk, id, fields))
        }
        Outbox::Close { change } => mend::close(change, global, output),
    }
}

fn parse_state(word: &str) -> Result<ChangeState, Failure> {
    ChangeState::ALL.into_iter().find(|state| state.word() == word).ok_or_else(|| {
        let words = ChangeState::ALL.map(ChangeState::word).join(", ");
        Failure::new("bad_value", format!("\"{word}\" is not a state of a change; there are {words}"))
    })
}
