//! The table of commands: every one a window or a browser may call, with its parameters and its answer. The router
//! and the TypeScript types come from it.

use aisle_domain::{BadId, ItemId, OrderId};
use serde::de::DeserializeOwned;
use serde_json::Value;
use ts_rs::{Config, TS};

use crate::{
    error::{AppError, RpcError},
    orders::{ApprovalReason, Rejection},
    router::App,
    settings::{ConnectionReport, ConnectionSettings, SettingsView},
    staff::ManagerPin,
    views::{
        ActReceipt, AddMember, AddNote, AlarmKey, ApprovePayment, Bulk, BusyStore, ChangeKey, ClaimOrder, DayKey,
        DeclinePayment, EditItem, EndShift, Enrol, EnrolmentText, EnrolmentView, ExportView, FoundOrders,
        ItemDetail, ItemKey, ItemPage, ItemQuery, LeftOrder, MemberKey, NamedQuery, OrderDetail, OrderKey,
        OrderKeys, OrderQueue, OrdersQuery, PageError, PauseStore, PaymentView, PickQuantity, QuantityPreview,
        RateShopper, RejectOrder, RenameMember, ReplacementQuery, ReplacementsView, ReportView, SaveView,
        ScanLine, ScannedLine, SendBack, Session, SetDue, SetLine, SetPin, SetRole, SetSetting, ShiftView, SignIn,
        StaffView, StatusView, SyncView, ViewKey, Waiting,
    },
};

/// One command, for the generator.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    pub(crate) params: fn(&Config) -> String,
    pub(crate) result: fn(&Config) -> String,
}

macro_rules! commands {
    ($($name:literal: $params:ty => $result:ty = |$app:ident, $p:pat_param| $body:expr;)*) => {
        /// Every command.
        pub(crate) const COMMANDS: &[Command] = &[$(Command {
            name: $name,
            params: <$params as TS>::name,
            result: <$result as TS>::name,
        }),*];

        /// Answers one command.
        pub(crate) fn dispatch(app: &App, method: &str, params: Value) -> Result<Value, RpcError> {
            match method {
                $($name => {
                    let params: $params = read(method, params)?;
                    let answer = |$app: &App, $p: $params| -> Result<$result, AppError> { $body };
                    write(answer(app, params).map_err(RpcError::from)?)
                })*
                _ => Err(not_understood(format!("the command \"{method}\" is not known"))),
            }
        }
    };
}

commands! {
    "session": () => Session = |app, ()| app.session();
    "connect": ConnectionSettings => Session = |app, p| app.connect(&p);
    "read_enrolment": EnrolmentText => EnrolmentView = |app, p| app.read_enrolment(&p.text);
    "enrol": Enrol => Session = |app, p| app.enrol(&p.text, &p.desk_name);
    "rehearse": () => Session = |app, ()| app.rehearse();
    "leave_rehearsal": () => Session = |app, ()| app.leave_rehearsal();
    "test_connection": ConnectionSettings => ConnectionReport = |app, p| Ok(app.test_connection(&p));
    "status": () => StatusView = |app, ()| app.desk()?.status();
    "orders": () => OrderQueue = |app, ()| app.desk()?.queue();
    "find_orders": OrdersQuery => FoundOrders = |app, p| app.desk()?.find_orders(&p);
    "saved_views": () => Vec<NamedQuery> = |app, ()| app.desk()?.saved_views();
    "save_view": SaveView => Vec<NamedQuery> = |app, p| app.desk()?.save_view(&p.name, &p.query);
    "remove_view": ViewKey => Vec<NamedQuery> = |app, p| app.desk()?.remove_view(&p.name);
    "order": OrderKey => OrderDetail = |app, p| app.desk()?.order(p.order_id.parse()?);
    "accept_order": OrderKey => ActReceipt = |app, p| app.desk()?.accept(p.order_id.parse()?, true);
    "accept_orders": OrderKeys => Bulk = |app, p| {
        let desk = app.desk()?;
        Ok(in_turn(&p.order_ids, |id| desk.accept(id, false).map(|_| ())))
    };
    "print_orders": OrderKeys => Bulk = |app, p| {
        let desk = app.desk()?;
        Ok(in_turn(&p.order_ids, |id| desk.print_order(id)))
    };
    "rate_shopper": RateShopper => ActReceipt = |app, p| {
        app.desk()?.rate_shopper(p.order_id.parse()?, p.rating)
    };
    "reject_order": RejectOrder => ActReceipt = |app, p| {
        let items = p.items.iter().map(|id| id.parse()).collect::<Result<Vec<ItemId>, BadId>>()?;
        app.desk()?.reject(p.order_id.parse()?, &Rejection { reason: p.reason, items, note: p.note }, true)
    };
    "set_line": SetLine => ActReceipt = |app, p| {
        let substitute = p.substitute.map(|id| id.parse()).transpose()?;
        app.desk()?.set_line(p.order_id.parse()?, p.item_id.parse()?, p.state, None, substitute)
    };
    "pick_quantity": PickQuantity => ActReceipt = |app, p| {
        app.desk()?.pick_quantity(p.order_id.parse()?, p.item_id.parse()?, &p.quantity)
    };
    "preview_quantity": PickQuantity => QuantityPreview = |app, p| {
        app.desk()?.preview_quantity(p.order_id.parse()?, p.item_id.parse()?, &p.quantity)
    };
    "replacements": ReplacementQuery => ReplacementsView = |app, p| {
        app.desk()?.replacements(p.order_id.parse()?, p.item_id.parse()?, &p.text)
    };
    "scan_line": ScanLine => ScannedLine = |app, p| app.desk()?.scan_line(p.order_id.parse()?, &p.code);
    "approve_payment": ApprovePayment => ActReceipt = |app, p| {
        let manager = ManagerPin::of(p.manager.map(|given| (given.staff_id, given.pin)))?;
        let why = ApprovalReason { reason: p.reason, override_reason: p.override_reason, manager };
        app.desk()?.approve(p.payment_id.parse()?, &why, true)
    };
    "approve_order": OrderKey => ActReceipt = |app, p| {
        app.desk()?.approve_order(p.order_id.parse()?, &ApprovalReason::default(), true)
    };
    "decline_payment": DeclinePayment => ActReceipt = |app, p| {
        app.desk()?.decline(p.payment_id.parse()?, &p.reason, p.ends_order, p.note.as_deref(), true)
    };
    "send_back": SendBack => ActReceipt = |app, p| {
        app.desk()?.send_back(p.payment_id.parse()?, p.note.as_deref(), true)
    };
    "undo": ChangeKey => ActReceipt = |app, p| {
        app.desk()?.undo(p.change_id.map(|id| id.parse()).transpose()?)
    };
    "release": ChangeKey => () = |app, p| {
        app.desk()?.release(p.change_id.map(|id| id.parse()).transpose()?)
    };
    "acknowledge": AlarmKey => Waiting = |app, p| {
        let desk = app.desk()?;
        desk.acknowledge(p.order_id.map(|id| id.parse()).transpose()?)?;
        Ok(desk.status()?.waiting)
    };
    "printers": () => Vec<String> = |app, ()| app.desk()?.printers();
    "print_order": OrderKey => () = |app, p| app.desk()?.print_order(p.order_id.parse()?);
    "staff": () => StaffView = |app, ()| app.desk()?.staff();
    "sign_in": SignIn => Session = |app, p| {
        let desk = app.desk()?;
        desk.sign_in(&p.staff_id, p.pin.as_ref())?;
        Ok(desk.session())
    };
    "lock": () => Session = |app, ()| {
        let desk = app.desk()?;
        desk.lock()?;
        Ok(desk.session())
    };
    "active": () => () = |app, ()| {
        app.desk()?.is_active();
        Ok(())
    };
    "add_member": AddMember => StaffView = |app, p| app.desk()?.add_member(&p.name, p.role, &p.pin);
    "rename_member": RenameMember => StaffView = |app, p| app.desk()?.rename_member(&p.staff_id, &p.name);
    "set_role": SetRole => StaffView = |app, p| app.desk()?.set_role(&p.staff_id, p.role);
    "set_pin": SetPin => StaffView = |app, p| app.desk()?.set_pin(&p.staff_id, &p.pin, p.before.as_ref());
    "disable_member": MemberKey => StaffView = |app, p| app.desk()?.disable_member(&p.staff_id);
    "report": DayKey => ReportView = |app, p| app.desk()?.report(p.day.as_deref());
    "export_report": DayKey => ExportView = |app, p| app.desk()?.export_report(p.day.as_deref());
    "shift": () => ShiftView = |app, ()| app.desk()?.shift();
    "begin_shift": () => ShiftView = |app, ()| app.desk()?.begin_shift();
    "end_shift": EndShift => ShiftView = |app, p| app.desk()?.end_shift(&p.note);
    "sound": () => Option<bool> = |app, ()| Ok(app.sound());
    "test_alarm": () => () = |app, ()| {
        app.test_alarm();
        Ok(())
    };
    "payments": () => Vec<PaymentView> = |app, ()| app.desk()?.waiting_payments();
    "set_due": SetDue => ActReceipt = |app, p| app.desk()?.set_due(p.order_id.parse()?, Some(p.due_at.parse()?));
    "claim_order": ClaimOrder => ActReceipt = |app, p| {
        let (desk, order) = (app.desk()?, p.order_id.parse()?);
        if p.takes { desk.claim(order) } else { desk.unclaim(order) }
    };
    "add_note": AddNote => ActReceipt = |app, p| app.desk()?.note(p.order_id.parse()?, p.audience, &p.text);
    "ask_range": OrderKey => ActReceipt = |app, p| app.desk()?.ask_range(p.order_id.parse()?);
    "pause_store": PauseStore => ActReceipt = |app, p| {
        app.desk()?.pause(p.until.map(|until| until.parse()).transpose()?)
    };
    "busy_store": BusyStore => ActReceipt = |app, p| app.desk()?.busy(p.minutes, p.until.parse()?);
    "end_busy": () => ActReceipt = |app, ()| app.desk()?.end_busy();
    "items": ItemQuery => ItemPage = |app, p| app.desk()?.items(&p.text, p.offset, p.limit);
    "item": ItemKey => ItemDetail = |app, p| app.desk()?.item(p.item_id.parse()?);
    "edit_item": EditItem => ActReceipt = |app, p| app.desk()?.edit_item(p.item_id.parse()?, &p.fields);
    "sync": () => SyncView = |app, ()| app.desk()?.sync_view();
    "send_now": () => () = |app, ()| app.desk()?.send_now();
    "settings": () => SettingsView = |app, ()| app.desk()?.settings();
    "set_setting": SetSetting => SettingsView = |app, p| app.desk()?.set_setting(&p.key, &p.value);
    "report_error": PageError => () = |_app, p| {
        tracing::error!(text = %p.text, "the page reports an error");
        Ok(())
    };
}

/// The same with each of several orders, each by itself: what stands against one keeps no other.
fn in_turn(order_ids: &[String], mut act: impl FnMut(OrderId) -> Result<(), AppError>) -> Bulk {
    let mut bulk = Bulk { done: Vec::new(), left: Vec::new() };
    for order_id in order_ids {
        match order_id.parse().map_err(AppError::from).and_then(&mut act) {
            Ok(()) => bulk.done.push(order_id.clone()),
            Err(error) => bulk.left.push(LeftOrder { order_id: order_id.clone(), error: error.into() }),
        }
    }
    bulk
}

fn not_understood(message: String) -> RpcError {
    RpcError { code: "not_understood".into(), message, hint: None, retryable: false }
}

fn read<T: DeserializeOwned>(method: &str, params: Value) -> Result<T, RpcError> {
    serde_json::from_value(params).map_err(|e| not_understood(format!("the parameters of \"{method}\": {e}")))
}

fn write<T: serde::Serialize>(answer: T) -> Result<Value, RpcError> {
    serde_json::to_value(answer).map_err(|e| RpcError {
        code: "unexpected".into(),
        message: format!("the answer could not be written: {e}"),
        hint: None,
        retryable: false,
    })
}
