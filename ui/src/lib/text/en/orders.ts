import type { DifferenceKind, LineState, OrderStatus, Verdict } from "../../rpc/generated";
import { plural } from "./plural";

const reasons: Record<string, string> = {
  out_of_stock: "Out of stock",
  too_busy: "Too busy",
  closing: "Closing before it is due",
  customer_asked: "Customer asked to cancel",
  outside_range: "Outside the authorised range",
  wrong_order: "Wrong order at the till",
  half_receipt: "Half a receipt",
  items_returned: "Items returned",
  weighed: "Weighed at the counter",
  till_price: "Till price is not the shelf price",
  customer_agreed: "Customer agreed by phone",
  sent_back: "Sent back to picking",
  cancelled: "Cancelled",
  missed: "Missed",
  other: "Other, with a note",
};

const status: Record<OrderStatus, string> = {
  new: "New",
  running: "Picking",
  pending: "Payment to decide",
  approved: "Approved",
  rejected: "Rejected",
  confirmed: "Confirmed",
};

const line: Record<LineState, string> = {
  to_pick: "To pick",
  found: "Found",
  short: "Short",
  substituted: "Substituted",
  out_of_stock: "Out of stock",
};

const why: Record<DifferenceKind, string> = {
  substitution: "Substitution",
  weight: "Weight",
  quantity: "Quantity",
  price: "Till price",
  missing: "Missing",
  extra: "Extra",
  discount: "Discount",
  rounding: "Rounding",
};

const verdict: Record<Verdict, string> = {
  below: "Below the range",
  inside: "Inside the range",
  above: "Above the range",
};

const substitution: Record<string, string> = {
  similar: "Similar item",
  ask: "Ask me",
  none: "Leave it out",
};

/** The queue and one order. */
export const orders = {
  group: {
    new: "New",
    payment: "Payment to decide",
    picking: "Picking",
    decided: "Decided today",
  },
  groupEnd: {
    new: "left to accept",
    payment: "waiting",
    picking: "left to pick",
  },
  stopPicking: (no: string) => `Stop picking ${no}`,
  endedByCentral: "The customer cancelled it",
  seenLabel: (no: string) => `Seen: stop picking ${no}`,
  notHeard: "not heard",
  lines: (n: number) => plural(n, "line", "lines"),
  pieces: (n: string) => `${n} pcs`,
  paid: (money: string) => `paid ${money}`,
  by: (at: string) => `by ${at}`,
  due: (at: string) => `due ${at}`,
  late: "late",
  pickedOf: (n: number, of: number) => `${n} of ${of}`,
  lateArrival: (at: string) => `Placed ${at}, arrived late`,
  decided: (what: string, money: string | null) => (money ? `${what}, ${money}` : what),
  cancelled: "Cancelled",
  missed: "Missed, not accepted in time",
  status,
  reason: (code: string) => reasons[code] ?? code.replaceAll("_", " "),
  openOrder: (no: string) => `Order ${no}`,

  empty: {
    title: "No orders waiting",
    text: (at: string) => `The line is fine: last message from central ${at}. A new order rings.`,
    downTitle: "No orders can arrive",
    downText: (cause: string) => `${cause} What central takes meanwhile comes when the line is back.`,
    loadingTitle: "Reading the store",
    loadingText: "Orders and the catalog are being fetched for the first time. Orders come first.",
  },
  none: { title: "No order is open", text: "Choose one in the list with the arrow keys." },

  head: {
    full: (id: string, at: string) => `Order ${id}, placed ${at}`,
    nth: (nth: string) => `${nth} order`,
    here: "here",
    shopper: (id: string) => `Shopper ${id}`,
    rated: (n: number) => `${n} of 5`,
    notRated: "not rated",
    ratedWord: "rated",
    ifOut: "If out of stock",
    substitution: (code: string) => substitution[code] ?? code,
    due: (at: string) => `Due ${at}`,
    left: "left",
    over: "over",
    acceptBy: (at: string) => `Accept by ${at}`,
    note: (text: string) => `The customer writes: ${text}`,
    late: (placed: string, queued: string, age: string) =>
      `Placed ${placed}, reached this store ${queued}. The customer has waited ${age}.`,
    lateTitle: "Late arrival.",
    willBeRefused: "Central will refuse this.",
  },

  decide: {
    expected: "Expected",
    picked: "Picked so far",
    paid: "Paid at the till",
    paidOnline: "Paid online",
    toPick: (done: number, of: number, left: string) => `${done} of ${of} lines, ${left} to pick`,
    range: "Authorised range",
    headroom: "Headroom",
    toHighest: "to the highest",
    toLowest: "to the lowest",
    overHighest: "over the highest",
    underLowest: "under the lowest",
    derived: "Worked out here; central has sent none",
    verdict,
  },

  gauge: {
    lowest: "lowest",
    expected: "expected",
    highest: "highest",
    ceiling: "ceiling",
    paid: (amount: string) => `${amount} paid`,
    forecast: (amount: string) => `${amount} forecast`,
    sentence: (at: string | null, lo: string, hi: string, expected: string, word: string | null) =>
      [at, `authorised range ${lo} to ${hi}`, `expected ${expected}`].filter(Boolean).join(", ") +
      (word ? `: ${word}` : ""),
    mini: (amount: string, lo: string, hi: string, word: string) => `${word}: ${amount} of ${lo} to ${hi}`,
  },

  list: {
    label: "Lines",
    ordered: "Ordered",
    quantity: "Qty",
    each: "Each",
    total: "Total",
    picked: "Picked",
    receipt: "Receipt",
    difference: "Difference",
    why: "Why",
    total_in: (symbol: string) => `Total in ${symbol}`,
    line,
    shortOf: (n: string, of: string) => `${n} of ${of}`,
    onReceipt: "On receipt",
    notOnReceipt: "Not on receipt",
    extra: "Extra",
    till: "Till",
    rounding: "Rounding on the receipt",
    discount: "Discount on the receipt",
    canFill: "Can fill",
    cannotFill: "Cannot fill",
    tick: (name: string) => `Cannot fill ${name}`,
    reasons: why,
  },
  walk: { ordered: "Ordered", paid: "Paid", label: "From ordered to paid" },

  timeline: {
    title: "Timeline",
    empty: "Nothing has happened yet.",
    by: (by: string | null, desk: string | null) =>
      by === null || by === "central" ? "Central" : [by, desk].filter(Boolean).join(", "),
    refused: (why: string) => `Refused: ${why}`,
  },

  actions: {
    approve: (money: string) => `Approve ${money}`,
    approveAnyway: (money: string) => `Approve ${money}, with a reason`,
    approvePaid: "Approve, paid online",
    waitingForPayment: "Waiting for the payment",
    missedAt: (at: string) => `Unanswered at ${at}: central ends it`,
    confirmed: "Central has confirmed it",
    decidedWaits: "Decided here; central confirms it",
    rejectedNote: (reason: string) => `Rejected: ${reason}`,
    ceilingNote: "Above the range: decline, back to picking, or manager",
  },

  rejectSheet: {
    title: (no: string) => `Reject ${no}: why?`,
    lead: "Arrows or first letters choose.",
    reasons: "Reason",
    linesHelp: "Tick the lines that cannot be filled: Left goes to them, Space ticks, Right comes back.",
    ticked: (n: number, of: number, money: string) => `${n} of ${of} lines cannot be filled, ${money}`,
    note: "What happened",
    noteHelp: "Colleagues and central read it.",
    needLines: "Tick at least one line.",
    needNote: "Write a few words.",
    doIt: "Reject order",
  },
  declineSheet: {
    title: (no: string) => `Decline the payment of ${no}: why?`,
    lead: "Up, Down or first letters choose why; Left and Right what follows.",
    after: "Then",
    back: "Back to picking",
    ends: "The order ends",
    doIt: (money: string) => `Decline ${money}`,
  },
  approveSheet: {
    below: (no: string) => `Approve ${no} below the range`,
    belowLead: (by: string) => `${by} below: a forgotten bag, half a receipt, or the wrong order?`,
    above: (no: string) => `Manager approves ${no}`,
    aboveLead: (by: string, ceiling: string) => `${by} above. The ceiling is ${ceiling}. For this order only.`,
    over: (by: string, ceiling: string) =>
      `${by} above the highest, over the ceiling of ${ceiling}: it cannot be approved. Decline it or send it back.`,
    reason: "Reason",
    doIt: (money: string) => `Approve ${money}`,
  },
};
