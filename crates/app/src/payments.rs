//! Payments: the waiting list and the decision against the authorised range.

use aisle_domain::{
    Change, Order, OrderId, OrderStatus, Payment, PaymentId, PaymentStatus, Subject, Verdict,
    change::{OrderSentBack, Override, PaymentApproved, PaymentDeclined},
};
use aisle_mirror::{orders, outbox, payments};

use crate::{
    desk::Desk,
    error::AppError,
    orders::ApprovalReason,
    present,
    views::{ActReceipt, Page, PaymentView},
};

const WAITING_LIMIT: usize = 500;

impl Desk {
    /// Payments that wait for a decision, oldest first. One on an order that is decided already, or that queues
    /// behind another, waits for nobody.
    pub fn waiting_payments(&self) -> Result<Vec<PaymentView>, AppError> {
        let undecided = self.mirror.read(|conn| payments::list(conn, true, None, WAITING_LIMIT))?;
        let mut waiting = Vec::new();
        for payment in undecided {
            let order = self.require_order(payment.order_id)?;
            if order.waiting_payment().is_some_and(|p| p.payment_id == payment.payment_id) {
                waiting.push(self.view_in(&order, &payment)?);
            }
        }
        Ok(waiting)
    }

    /// A page of payments, for the command line.
    pub fn list_payments(
        &self,
        undecided: bool,
        after: Option<PaymentId>,
        limit: usize,
    ) -> Result<Page<PaymentView>, AppError> {
        let rows = self.mirror.read(|conn| payments::list(conn, undecided, after, limit))?;
        let next = (rows.len() >= limit).then(|| rows.last().map(|p| p.payment_id.to_string())).flatten();
        let items = rows.iter().map(|payment| self.payment_view(payment)).collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }

    /// One payment with the difference explained.
    pub fn payment(&self, id: PaymentId) -> Result<PaymentView, AppError> {
        let (order, payment) = self.require_payment(id)?;
        self.view_in(&order, &payment)
    }

    fn payment_view(&self, payment: &Payment) -> Result<PaymentView, AppError> {
        self.view_in(&self.require_order(payment.order_id)?, payment)
    }

    fn view_in(&self, order: &Order, payment: &Payment) -> Result<PaymentView, AppError> {
        let store = self.store()?;
        let worst = self.mirror.read(|conn| outbox::worst_state(conn, Subject::Order(order.order_id)))?;
        Ok(present::payment(order, payment, &store, present::sync_state(worst)))
    }

    fn require_payment(&self, id: PaymentId) -> Result<(Order, Payment), AppError> {
        let missing = || AppError::NotFound(format!("payment {id} in this store's mirror"));
        let order = self
            .mirror
            .read(|conn| match payments::order_of(conn, id)? {
                Some(order) => orders::load(conn, order),
                None => Ok(None),
            })?
            .ok_or_else(missing)?;
        let payment = order.payments.iter().find(|p| p.payment_id == id).cloned().ok_or_else(missing)?;
        Ok((order, payment))
    }

    /// Approves a payment. Inside the range it leaves at once: a shopper stands at the till.
    pub fn approve(&self, id: PaymentId, why: &ApprovalReason, hold: bool) -> Result<ActReceipt, AppError> {
        let (order, payment) = self.require_payment(id)?;
        let range = present::effective_range(&order, &self.store()?);
        let inside = range.judge(payment.amount, order.used()) == Verdict::Inside;
        let override_ = match &why.override_reason {
            Some(reason) => Some(Override { reason: reason.clone(), by: self.overriding(why.manager.as_ref())? }),
            None => None,
        };
        let change = PaymentApproved {
            order: order.order_id,
            payment: Some(id),
            amount: Some(payment.amount),
            range_version: present::version_to_name(&order),
            reason: why.reason.clone(),
            override_,
        };
        self.act(Change::PaymentApproved(change), hold && !inside, None)
    }

    /// Approves an order: its waiting payment, or the order itself where central said that none is expected.
    pub fn approve_order(&self, id: OrderId, why: &ApprovalReason, hold: bool) -> Result<ActReceipt, AppError> {
        let order = self.require_order(id)?;
        if let Some(payment) = order.waiting_payment() {
            self.approve(payment.payment_id, why, hold)
        } else {
            let left = order.lines_to_pick();
            if order.status == OrderStatus::Running && !order.payment_expected && left > 0 {
                return Err(AppError::LinesToPick { left, of: order.lines.len() });
            }
            let change = PaymentApproved {
                order: id,
                payment: None,
                amount: None,
                range_version: None,
                reason: None,
                override_: None,
            };
            self.act(Change::PaymentApproved(change), hold, None)
        }
    }

    /// Declines a payment; the order goes on being picked or ends with it.
    pub fn decline(
        &self,
        id: PaymentId,
        reason: &str,
        ends_order: bool,
        note: Option<&str>,
        hold: bool,
    ) -> Result<ActReceipt, AppError> {
        let (order, payment) = self.require_payment(id)?;
        let change = PaymentDeclined {
            order: order.order_id,
            payment: id,
            amount: payment.amount,
            range_version: present::version_to_name(&order),
            reason: reason.into(),
            note: note.map(Into::into),
            ends_order,
        };
        self.act(Change::PaymentDeclined(change), hold, None)
    }

    /// Sends the order back to picking: its waiting payment is declined with the reason `sent_back`.
    pub fn send_back(&self, id: PaymentId, note: Option<&str>, hold: bool) -> Result<ActReceipt, AppError> {
        let (order, payment) = self.require_payment(id)?;
        if payment.status == Some(PaymentStatus::Approved) {
            return Err(aisle_domain::Refusal::IllegalAct { status: order.status }.into());
        }
        let change = OrderSentBack { order: order.order_id, payment: id, note: note.map(Into::into) };
        self.act(Change::OrderSentBack(change), hold, None)
    }

    /// Sends an order back to picking by its number.
    pub fn send_back_order(&self, id: OrderId, note: Option<&str>, hold: bool) -> Result<ActReceipt, AppError> {
        let order = self.require_order(id)?;
        let waiting =
            order.waiting_payment().ok_or(aisle_domain::Refusal::IllegalAct { status: order.status })?.payment_id;
        self.send_back(waiting, note, hold)
    }
}
