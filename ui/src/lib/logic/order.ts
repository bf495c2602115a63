import type { Difference, DifferenceKind, Effect, OrderDetail, PaymentView } from "../rpc/generated";
import { t } from "../text";
import { amount } from "./format";
import { minor, sum } from "./gauge";

/** How much would be left to the range's highest amount, or how far it would be over, in words. */
export function left(effect: Effect): string {
  return minor(effect.left) < 0n
    ? t.orders.substituteSheet.over(amount(effect.left.replace(/^-/, "")))
    : t.orders.substituteSheet.left(amount(effect.left));
}

/** The payment that waits for a decision: the oldest undecided one of an order that may still be paid. */
export function waitingPayment(order: OrderDetail): PaymentView | null {
  if (order.status !== "pending") return null;
  return order.payments.find((payment) => payment.status === null) ?? null;
}

/** The payment that the headline shows: the one that waits, else the newest. */
export function shownPayment(order: OrderDetail): PaymentView | null {
  return waitingPayment(order) ?? order.payments.at(-1) ?? null;
}

/** What other payments of the order have used of the range. */
export function usedBefore(order: OrderDetail, payment: PaymentView): string {
  const others = order.payments.filter(
    (other) => other.status === "approved" && other.payment_id !== payment.payment_id,
  );
  return sum(others.map((other) => other.amount));
}

/** The causes of the difference with their sums, in the order in which the walk tells them; no cause of zero. */
export function walk(parts: Difference[]): { kind: DifferenceKind; amount: string }[] {
  const order: DifferenceKind[] = [
    "missing",
    "substitution",
    "quantity",
    "weight",
    "price",
    "extra",
    "discount",
    "rounding",
  ];
  return order
    .map((kind) => ({ kind, amount: sum(parts.filter((part) => part.kind === kind).map((part) => part.amount)) }))
    .filter((step) => minor(step.amount) !== 0n);
}

/** Parts of the difference that belong to no line: the till's own. */
export function ofTill(parts: Difference[]): Difference[] {
  return parts.filter((part) => part.item_id === null && (part.kind === "rounding" || part.kind === "discount"));
}
