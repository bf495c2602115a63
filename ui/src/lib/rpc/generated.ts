// Generated from crates/app (command table and views) by `cargo test -p aisle-app`. Do not edit.

export type OrderStatus = "new" | "running" | "pending" | "approved" | "rejected" | "confirmed";
export type LineState = "to_pick" | "found" | "short" | "substituted" | "out_of_stock";
export type ChangeState = "held" | "ready" | "sent" | "received" | "refused";
export type Right = "orders" | "availability" | "catalog" | "pause" | "override" | "staff" | "settings";
export type LinkState = "up" | "this_computer" | "store_internet" | "central";
export type Eyes = "late_arrival" | "past_deadline" | "paused" | "amount" | "note" | "ask" | "out_of_stock";
export type Verdict = "below" | "inside" | "above";
export type Audience = "staff" | "customer";
export type Availability = "available" | "out_of_stock";
export type DifferenceKind = "substitution" | "weight" | "quantity" | "price" | "missing" | "extra" | "discount" | "rounding";
export type RpcError = { 
/**
 * One of [`CODES`].
 */
code: string, 
/**
 * What happened, and where.
 */
message: string, 
/**
 * What to do about it.
 */
hint: string | null, 
/**
 * Whether trying again may help.
 */
retryable: boolean, };
export type Role = "clerk" | "lead" | "manager";
export type Person = { 
/**
 * Their number at this desk.
 */
staff_id: string, 
/**
 * Their name, as it stands in the audit log.
 */
name: string, 
/**
 * What they are.
 */
role: Role, 
/**
 * Whether they have a PIN: without one the desk is not locked.
 */
has_pin: boolean, 
/**
 * What they may do.
 */
rights: Right[], };
export type Pin = string;
export type LockedView = { 
/**
 * Who left; `null` where the desk locked itself.
 */
by: string | null, 
/**
 * When.
 */
at: string, };
export type MemberView = { 
/**
 * Their number at this desk.
 */
staff_id: string, 
/**
 * Their name.
 */
name: string, 
/**
 * What they are.
 */
role: Role, 
/**
 * Whether they have a PIN.
 */
has_pin: boolean, 
/**
 * When they were signed in last.
 */
last_here: string | null, 
/**
 * Too many PINs were wrong: seconds until the next one is tried.
 */
waits_s: number | null, };
export type StaffView = { 
/**
 * In the order in which they came.
 */
people: Array<MemberView>, };
export type PromiseView = { 
/**
 * The order.
 */
order_id: string, 
/**
 * Its last digits.
 */
display_no: string, 
/**
 * When.
 */
due_at: string, 
/**
 * Who takes care of it.
 */
claimed_by: string | null, };
export type RemainingView = { 
/**
 * Orders that nobody has accepted.
 */
new: number, 
/**
 * Orders that are picked.
 */
picking: number, 
/**
 * Payments to decide.
 */
payments: number, 
/**
 * Promises to come, the next first.
 */
promised: Array<PromiseView>, 
/**
 * Promises beyond those.
 */
more_promised: number, 
/**
 * Changes that central has not received.
 */
unsent: number, 
/**
 * Changes that central refused.
 */
refused: number, };
export type ShiftBegun = { 
/**
 * Who began it.
 */
by: string, 
/**
 * When.
 */
at: string, };
export type HandoverView = { 
/**
 * Who ended it.
 */
by: string, 
/**
 * When.
 */
at: string, 
/**
 * What they wrote.
 */
note: string | null, 
/**
 * What was open and unsent then.
 */
remaining: RemainingView | null, };
export type ShiftView = { 
/**
 * The one that has begun.
 */
begun: ShiftBegun | null, 
/**
 * What the one before left.
 */
handover: HandoverView | null, 
/**
 * What is open and unsent now.
 */
remaining: RemainingView, };
export type TallyView = { 
/**
 * How many.
 */
count: number, 
/**
 * How much.
 */
amount: string, };
export type OftenView = { 
/**
 * A name or a code.
 */
name: string, 
/**
 * How often.
 */
count: number, };
export type TimesView = { 
/**
 * How many there are.
 */
count: number, 
/**
 * The one in the middle.
 */
median_s: number | null, 
/**
 * The longest.
 */
longest_s: number | null, 
/**
 * How many took less than 10 s, 30 s, a minute, two minutes, and longer.
 */
under: [number, number, number, number, number], };
export type MarkView = { 
/**
 * The order.
 */
order_id: string, 
/**
 * Its last digits.
 */
display_no: string, 
/**
 * What its lines cost.
 */
expected: string, 
/**
 * What was paid.
 */
paid: string, 
/**
 * That in percent of what was expected, with one decimal; `null` where nothing was.
 */
percent: string | null, 
/**
 * How it lies to its range.
 */
verdict: Verdict, 
/**
 * Where the order is.
 */
status: OrderStatus, 
/**
 * What was decided.
 */
decision: "approved" | "rejected" | null, };
export type CauseView = { 
/**
 * Why.
 */
kind: DifferenceKind, 
/**
 * Lines.
 */
lines: number, 
/**
 * Their sum, signed.
 */
amount: string, };
export type ShopperDayView = { 
/**
 * Who.
 */
shopper_id: string, 
/**
 * Orders they picked.
 */
orders: number, 
/**
 * Of those, paid outside the range.
 */
outside: number, 
/**
 * The mean of their ratings, with one decimal.
 */
rating: string | null, };
export type ReportView = { 
/**
 * `2017-04-05`, in the store's calendar.
 */
day: string, 
/**
 * When it begins.
 */
from: string, 
/**
 * When it ends.
 */
to: string, 
/**
 * Whether it is not over yet.
 */
is_running: boolean, 
/**
 * When it was counted.
 */
counted_at: string, 
/**
 * Of all amounts.
 */
currency: string, 
/**
 * Orders that were queued in it, and what they were expected to cost.
 */
orders: TallyView, 
/**
 * Their lines.
 */
lines: number, 
/**
 * Those that were paid.
 */
paid: TallyView, 
/**
 * Paid less expected, of those.
 */
difference: string, 
/**
 * Payments that were approved.
 */
approved: TallyView, 
/**
 * Payments that were declined.
 */
declined: TallyView, 
/**
 * Orders that still need somebody.
 */
open: TallyView, 
/**
 * Changes that central has not received.
 */
unsent: number, 
/**
 * Orders that were rejected or ended, by reason.
 */
rejected: Array<OftenView>, 
/**
 * Payments that were declined, by reason.
 */
declined_for: Array<OftenView>, 
/**
 * From being queued to being accepted at this desk.
 */
to_accept: TimesView, 
/**
 * From a payment to its decision.
 */
to_decide: TimesView, 
/**
 * Orders by the hour of the store's clock in which they were queued, from midnight.
 */
hours: Array<number>, 
/**
 * Each order that was paid.
 */
marks: Array<MarkView>, 
/**
 * Why what was paid differs.
 */
causes: Array<CauseView>, 
/**
 * Ordered items that were not there as ordered, most often first.
 */
missing: Array<OftenView>, 
/**
 * Who picked.
 */
shoppers: Array<ShopperDayView>, };
export type ExportView = { 
/**
 * Where it is.
 */
file: string, 
/**
 * Its rows without the head.
 */
rows: number, };
export type Reason = { 
/**
 * Its code.
 */
code: string, 
/**
 * Whether the failing lines must be named.
 */
needs_lines: boolean, 
/**
 * Whether a note must be written.
 */
needs_note: boolean, };
export type Reasons = { 
/**
 * For rejecting an order.
 */
reject: Array<Reason>, 
/**
 * For declining a payment.
 */
decline: Array<Reason>, 
/**
 * For approving outside the range.
 */
override: Array<Reason>, };
export type StoreView = { 
/**
 * The store.
 */
store_id: string, 
/**
 * Its name; its number until central has sent its row.
 */
name: string, 
/**
 * City.
 */
city: string | null, 
/**
 * ISO 4217 code.
 */
currency: string, 
/**
 * IANA name.
 */
time_zone: string, 
/**
 * Its reasons.
 */
reasons: Reasons, 
/**
 * No new orders until then.
 */
paused_until: string | null, 
/**
 * Minutes added to every promise.
 */
busy_minutes: number | null, 
/**
 * Busy until then.
 */
busy_until: string | null, };
export type DeskView = { 
/**
 * The installation.
 */
desk_id: string, 
/**
 * Its name on screen.
 */
name: string, 
/**
 * Its data folder.
 */
data: string, 
/**
 * The printer that tickets go to when an order is accepted.
 */
printer: string | null, };
export type SessionState = "first_run" | "desk";
export type Session = { 
/**
 * Whether there is a desk.
 */
state: SessionState, 
/**
 * Whether it is the sample store.
 */
rehearsal: boolean, 
/**
 * The program's version.
 */
version: string, 
/**
 * The store.
 */
store: StoreView | null, 
/**
 * The desk.
 */
desk: DeskView | null, 
/**
 * Who is signed in.
 */
person: Person | null, 
/**
 * Nobody is.
 */
locked: LockedView | null, };
export type LinkView = { 
/**
 * `up`, or where it is cut.
 */
state: LinkState, 
/**
 * Since when.
 */
since: string | null, 
/**
 * What is wrong, in words; `null` while up.
 */
cause: string | null, 
/**
 * What somebody here can do about it, where something can be done.
 */
hint: string | null, 
/**
 * This computer keeps nothing any more: nothing can be done at this desk until it does.
 */
keeps_nothing: boolean, 
/**
 * Whether the feed is still behind.
 */
catching_up: boolean, 
/**
 * How long central's cluster lately makes this desk wait, since it sent more than it may.
 */
throttled_ms: number | null, };
export type OutboxCounts = { 
/**
 * Can still be undone.
 */
held: number, 
/**
 * Saved here.
 */
ready: number, 
/**
 * Numbered and sent.
 */
sent: number, 
/**
 * Refused and neither replaced nor closed.
 */
refused: number, 
/**
 * Age of the oldest of held, ready and sent, seconds.
 */
oldest_age_s: number | null, };
export type FeedView = { 
/**
 * The topic.
 */
topic: string, 
/**
 * Next offset to read.
 */
position: number, 
/**
 * End of the log, where it is known.
 */
end: number | null, 
/**
 * Records still to read.
 */
behind: number | null, 
/**
 * Whether it is mirrored anew.
 */
remirroring: boolean, };
export type ReplicaView = { 
/**
 * Machines that answer.
 */
brokers: number, 
/**
 * Copies there should be of this store's partition.
 */
replicas: number, 
/**
 * Copies in sync.
 */
in_sync: number, };
export type WaitingCounts = { 
/**
 * New orders.
 */
new: number, 
/**
 * Payments to decide.
 */
payments: number, 
/**
 * Orders being picked.
 */
picking: number, 
/**
 * Refused changes.
 */
refused: number, 
/**
 * Alarms nobody has acknowledged.
 */
unheard: number, };
export type StatusView = { 
/**
 * The store.
 */
store_id: string, 
/**
 * The desk.
 */
desk_id: string, 
/**
 * Its numbering.
 */
incarnation: string, 
/**
 * Central's history that is mirrored.
 */
epoch: string | null, 
/**
 * The line.
 */
link: LinkView, 
/**
 * Unacknowledged changes.
 */
outbox: OutboxCounts, 
/**
 * Both feeds.
 */
feeds: Array<FeedView>, 
/**
 * Messages that could not be applied.
 */
parked: number, 
/**
 * Open conflicts.
 */
conflicts: number, 
/**
 * The last push.
 */
last_push_at: string | null, 
/**
 * The next one.
 */
next_push_at: string | null, 
/**
 * The last message from central.
 */
last_received_at: string | null, 
/**
 * Central's clock minus this computer's.
 */
clock_offset_ms: number | null, 
/**
 * Whether changes are signed.
 */
signed: boolean, 
/**
 * Where the desk keeps its password and its key; `null` where it was not enrolled.
 */
secrets: SecretsPlace | null, 
/**
 * Of the database.
 */
schema_version: number, 
/**
 * The cluster's machines; `null` until it was asked.
 */
cluster: ReplicaView | null, 
/**
 * Whole intervals between pushes that something waits already: to be sent, or sent and without central's word.
 */
missed_pushes: number, 
/**
 * Whether a push is under way.
 */
pushing: boolean, 
/**
 * Changes that central acknowledged today.
 */
received_today: number, 
/**
 * This computer's clock, for countdowns.
 */
now: string, 
/**
 * What waits for somebody.
 */
waiting: WaitingCounts, };
export type SyncState = "refused" | "saved" | "sent" | "received";
export type RangeView = { 
/**
 * Lowest amount.
 */
lo: string, 
/**
 * Highest amount.
 */
hi: string, 
/**
 * 0 for one that the desk derived.
 */
version: number, };
export type Difference = { 
/**
 * Why.
 */
kind: DifferenceKind, 
/**
 * Signed amount.
 */
amount: string, 
/**
 * The item it is about.
 */
item_id: string | null, 
/**
 * Its name.
 */
name: string | null, };
export type PaymentView = { 
/**
 * The payment.
 */
payment_id: string, 
/**
 * Its order.
 */
order_id: string, 
/**
 * The order's number on screen.
 */
display_no: string, 
/**
 * The store.
 */
store_id: string, 
/**
 * The amount.
 */
amount: string, 
/**
 * Its currency.
 */
currency: string, 
/**
 * How it lies to the range.
 */
verdict: Verdict | null, 
/**
 * The range it is judged by.
 */
range: RangeView | null, 
/**
 * `null` until decided.
 */
status: "approved" | "rejected" | null, 
/**
 * When the till gives up.
 */
decide_by: string | null, 
/**
 * When it was made.
 */
paid_at: string | null, 
/**
 * State of the order's own changes.
 */
sync: SyncState | null, 
/**
 * Paid minus expected, explained.
 */
difference: Array<Difference>, };
export type LineView = { 
/**
 * The ordered item.
 */
item_id: string, 
/**
 * Its name.
 */
name: string, 
/**
 * Its barcode.
 */
barcode: string | null, 
/**
 * Price of one unit as ordered.
 */
order_unit_price: string, 
/**
 * How much was ordered.
 */
quantity: string, 
/**
 * `each` or `kg`.
 */
unit: string, 
/**
 * Price times quantity.
 */
total: string, 
/**
 * Where picking is.
 */
state: LineState, 
/**
 * How much is in the basket.
 */
picked_quantity: string | null, 
/**
 * What that costs; `null` while it is to pick.
 */
picked_total: string | null, 
/**
 * The item in the basket instead.
 */
substitute: string | null, 
/**
 * Its name.
 */
substitute_name: string | null, 
/**
 * The customer's note.
 */
note: string | null, 
/**
 * What the receipt says it cost.
 */
receipt_total: string | null, 
/**
 * Its name on the receipt.
 */
receipt_name: string | null, 
/**
 * Receipt minus ordered; `null` without a receipt.
 */
difference: string | null, 
/**
 * The largest cause of the difference.
 */
why: DifferenceKind | null, };
export type ReceiptLine = { 
/**
 * From 1.
 */
line_no: number, 
/**
 * The item, where known.
 */
item_id: string | null, 
/**
 * Its name.
 */
name: string, 
/**
 * Price of one unit.
 */
unit_price: string, 
/**
 * How much.
 */
quantity: string, 
/**
 * Price times quantity.
 */
total: string, };
export type ReceiptView = { 
/**
 * The till's number.
 */
transaction_id: string, 
/**
 * When.
 */
datetime: string, 
/**
 * What was paid.
 */
amount: string, 
/**
 * Its lines.
 */
lines: Array<ReceiptLine>, };
export type HistoryEntry = { 
/**
 * When.
 */
at: string, 
/**
 * What kind of entry.
 */
kind: string, 
/**
 * In words.
 */
text: string, 
/**
 * Who.
 */
by: string | null, 
/**
 * At which desk.
 */
desk: string | null, 
/**
 * The change, where it was one.
 */
change_id: string | null, 
/**
 * Where the change is.
 */
state: ChangeState | null, 
/**
 * Why it was refused.
 */
reason: string | null, };
export type ShopperView = { 
/**
 * The shopper.
 */
shopper_id: string, 
/**
 * 1 to 5.
 */
rating: number | null, };
export type OrderCard = { 
/**
 * The order.
 */
order_id: string, 
/**
 * Its number on screen.
 */
display_no: string, 
/**
 * Where it is.
 */
status: OrderStatus, 
/**
 * What was decided.
 */
decision: "approved" | "rejected" | null, 
/**
 * Ended by central for the customer.
 */
cancelled: boolean, 
/**
 * The reason given.
 */
reason: string | null, 
/**
 * Name or number of the customer.
 */
customer: string, 
/**
 * When the customer placed it.
 */
creation_time: string, 
/**
 * When central queued it.
 */
queued_time: string, 
/**
 * When central ends it unaccepted.
 */
accept_by: string | null, 
/**
 * When it was promised.
 */
due_at: string | null, 
/**
 * Who takes care of it.
 */
claimed_by: string | null, 
/**
 * How many lines.
 */
lines: number, 
/**
 * How many pieces.
 */
pieces: string, 
/**
 * What the lines cost.
 */
expected: string, 
/**
 * The payment that waits.
 */
payment: PaymentView | null, 
/**
 * Lines that have a state.
 */
picked_lines: number, 
/**
 * When it was decided.
 */
decided_at: string | null, 
/**
 * State of its own changes.
 */
sync: SyncState | null, 
/**
 * Its alarm was not acknowledged.
 */
unheard: boolean, 
/**
 * Came long after it was placed.
 */
late_arrival: boolean, };
export type OrderQueue = { 
/**
 * Cancelled while somebody works on them.
 */
stop: Array<OrderCard>, 
/**
 * To accept.
 */
new: Array<OrderCard>, 
/**
 * With a payment to decide.
 */
payment: Array<OrderCard>, 
/**
 * Being picked.
 */
picking: Array<OrderCard>, 
/**
 * Decided today, newest first, at most 50.
 */
decided: Array<OrderCard>, 
/**
 * How many were decided today.
 */
decided_total: number, };
export type LeftOrder = { 
/**
 * The order.
 */
order_id: string, 
/**
 * Why.
 */
error: RpcError, };
export type Bulk = { 
/**
 * Those with which it is done.
 */
done: Array<string>, 
/**
 * The others.
 */
left: Array<LeftOrder>, };
export type OrderStage = "new" | "running" | "pending" | "approved" | "rejected";
export type Period = "any" | "today" | "yesterday" | "week";
export type Keeper = "any" | "me" | "nobody";
export type OrderFlag = "late" | "unsent" | "incomplete" | "outside";
export type OrdersQuery = { 
/**
 * As typed: a number or its end, a customer, an amount, an item or its barcode.
 */
text: string, 
/**
 * Only these.
 */
stages: Array<OrderStage>, 
/**
 * Queued then.
 */
period: Period, 
/**
 * Queued on this day of the store, such as `2017-04-05`, in the place of a period.
 */
day: string | null, 
/**
 * Cared for by them.
 */
keeper: Keeper, 
/**
 * With all of these.
 */
flags: Array<OrderFlag>, };
export type FoundOrder = { 
/**
 * The order.
 */
card: OrderCard, 
/**
 * The item by whose name or code it was found.
 */
item: string | null, };
export type FoundOrders = { 
/**
 * The surest first, then the newest; at most 200.
 */
rows: Array<FoundOrder>, 
/**
 * How many there are in all.
 */
total: number, };
export type NamedQuery = { 
/**
 * Its name.
 */
name: string, 
/**
 * What it asks.
 */
query: OrdersQuery, 
/**
 * Who saved it.
 */
saved_by: string, };
export type Effect = { 
/**
 * Picked plus still to pick.
 */
forecast: string, 
/**
 * How much of the range would be left to its highest amount; negative above it.
 */
left: string, 
/**
 * How it would lie to the range.
 */
verdict: Verdict, };
export type QuantityPreview = { 
/**
 * The line.
 */
total: string, 
/**
 * The order.
 */
effect: Effect, };
export type Replacement = { 
/**
 * The item.
 */
item_id: string, 
/**
 * Its name.
 */
name: string, 
/**
 * Its barcode.
 */
barcode: string | null, 
/**
 * What it costs, as much of it as was ordered.
 */
total: string, 
/**
 * That minus what the ordered item costs.
 */
difference: string, 
/**
 * Whether it can be bought.
 */
availability: Availability, 
/**
 * What the order would come to with it.
 */
effect: Effect, };
export type Replacements = { 
/**
 * What the customer wants when something is out of stock.
 */
wish: string | null, 
/**
 * False where the customer wants nothing instead.
 */
replaceable: boolean, 
/**
 * The best first.
 */
choices: Array<Replacement>, 
/**
 * What the order would come to without the line.
 */
without: Effect, };
export type ScanOutcome = "found" | "again" | "not_ordered" | "unknown";
export type ScannedLine = { 
/**
 * What it is.
 */
outcome: ScanOutcome, 
/**
 * The code.
 */
code: string, 
/**
 * The ordered item, or the one that is not on the order.
 */
item_id: string | null, 
/**
 * Its name.
 */
name: string | null, };
export type Undo = { 
/**
 * The change.
 */
change_id: string, 
/**
 * What it was, in words.
 */
text: string, 
/**
 * How long it is still held; 0 when only the missing line holds it.
 */
hold_ms: number, };
export type OrderDetail = { 
/**
 * The order.
 */
order_id: string, 
/**
 * Its number on screen.
 */
display_no: string, 
/**
 * The store.
 */
store_id: string, 
/**
 * The customer.
 */
user_id: string, 
/**
 * Name or number of the customer.
 */
customer: string, 
/**
 * Orders of this customer in the mirror.
 */
customer_orders: number, 
/**
 * Where it is.
 */
status: OrderStatus, 
/**
 * What was decided.
 */
decision: "approved" | "rejected" | null, 
/**
 * The reason given.
 */
reason: string | null, 
/**
 * Who decided: a name, or `central`.
 */
decided_by: string | null, 
/**
 * When.
 */
decided_at: string | null, 
/**
 * Ended by central for the customer.
 */
cancelled: boolean, 
/**
 * When the customer placed it.
 */
creation_time: string, 
/**
 * When central queued it.
 */
queued_time: string, 
/**
 * When central ends it unaccepted.
 */
accept_by: string | null, 
/**
 * When it was promised.
 */
due_at: string | null, 
/**
 * Who takes care of it.
 */
claimed_by: string | null, 
/**
 * Central's version of the row.
 */
version: number, 
/**
 * The range in force.
 */
range: RangeView | null, 
/**
 * What the ordered lines cost.
 */
expected: string, 
/**
 * What is picked so far.
 */
picked: string, 
/**
 * Picked plus still to pick.
 */
forecast: string, 
/**
 * How much may still be paid at least.
 */
headroom_lo: string | null, 
/**
 * How much may still be paid at most.
 */
headroom_hi: string | null, 
/**
 * What an override may reach.
 */
ceiling: string | null, 
/**
 * Of all amounts.
 */
currency: string, 
/**
 * The customer's note.
 */
note: string | null, 
/**
 * What the customer wants when something is out of stock.
 */
substitution: string | null, 
/**
 * False for an order paid online.
 */
payment_expected: boolean, 
/**
 * Its lines.
 */
lines: Array<LineView>, 
/**
 * Its payments, oldest first.
 */
payments: Array<PaymentView>, 
/**
 * The newest receipt.
 */
receipt: ReceiptView | null, 
/**
 * Bought and not ordered.
 */
extra: Array<ReceiptLine>, 
/**
 * Paid minus expected, explained.
 */
difference: Array<Difference>, 
/**
 * Who picks it.
 */
shopper: ShopperView | null, 
/**
 * State of its own changes.
 */
sync: SyncState | null, 
/**
 * Its timeline, oldest first.
 */
history: Array<HistoryEntry>, 
/**
 * The act on it that can still be taken back.
 */
undo: Undo | null, 
/**
 * Why a change on it will be refused.
 */
will_be_refused: string | null, 
/**
 * Came long after it was placed.
 */
late_arrival: boolean, 
/**
 * Why the rule that accepts orders leaves this one to somebody.
 */
needs_eyes: Eyes | null, };
export type ActReceipt = { 
/**
 * The change.
 */
change_id: string, 
/**
 * Always `saved`.
 */
state: "saved", 
/**
 * `order/N`, `item/N` or `store`.
 */
subject: string, 
/**
 * How to take it back.
 */
undo: Undo | null, };
export type ItemView = { 
/**
 * The item.
 */
item_id: string, 
/**
 * Its barcode.
 */
barcode: string | null, 
/**
 * Its name.
 */
name: string, 
/**
 * Its category.
 */
category: string | null, 
/**
 * Price of one unit.
 */
unit_price: string, 
/**
 * Whether it can be bought.
 */
availability: Availability, 
/**
 * When out of stock ends.
 */
available_until: string | null, 
/**
 * Central's version of the row.
 */
version: number, 
/**
 * State of its own changes.
 */
sync: SyncState | null, };
export type ItemPage = { 
/**
 * The rows.
 */
items: Array<ItemView>, 
/**
 * How many there are in all.
 */
total: number, 
/**
 * Of the first row.
 */
offset: number, };
export type PricePoint = { 
/**
 * Since when.
 */
at: string, 
/**
 * The price before.
 */
old: string | null, 
/**
 * The price from then on.
 */
new: string, 
/**
 * Who set it.
 */
by: string | null, 
/**
 * `here`, `central` or `import`.
 */
source: string, };
export type ItemDetail = { 
/**
 * The item.
 */
item: ItemView, 
/**
 * Its prices, newest first.
 */
prices: Array<PricePoint>, 
/**
 * Its timeline, oldest first.
 */
history: Array<HistoryEntry>, };
export type ChangeView = { 
/**
 * The change.
 */
change_id: string, 
/**
 * Its type's word.
 */
type: string, 
/**
 * What it is, in words.
 */
text: string, 
/**
 * `order/N`, `item/N` or `store`.
 */
subject: string, 
/**
 * What it is about, as people say it.
 */
subject_label: string, 
/**
 * Where it is.
 */
state: ChangeState, 
/**
 * Who acted.
 */
by: string | null, 
/**
 * When.
 */
acted_at: string, 
/**
 * Its lane.
 */
lane: "orders" | "catalog", 
/**
 * Its number, once it has one.
 */
seq: number | null, 
/**
 * Where the cluster wrote it.
 */
partition: number | null, 
/**
 * Its place there.
 */
offset: number | null, 
/**
 * When it was sent.
 */
sent_at: string | null, 
/**
 * When central's word came.
 */
acked_at: string | null, 
/**
 * Why it was refused, as a code.
 */
code: string | null, 
/**
 * Why it was refused, in words.
 */
message: string | null, 
/**
 * The refused change it mends.
 */
replaces: string | null, 
/**
 * Why it will be refused.
 */
will_be_refused: string | null, 
/**
 * How long it is still held.
 */
hold_ms: number | null, 
/**
 * It never left this desk and can be taken back.
 */
undoable: boolean, };
export type NoticeView = { 
/**
 * When.
 */
at: string, 
/**
 * Why, as a word: `forked`, `copied`, `restored`, `digest`, `epoch` and the like.
 */
why: string, 
/**
 * What happened, in words.
 */
text: string, 
/**
 * Whether it is not over yet.
 */
under_way: boolean, };
export type PushView = { 
/**
 * When.
 */
at: string, 
/**
 * Changes that were sent.
 */
sent: number, 
/**
 * Changes of it that central has acknowledged.
 */
acked: number, 
/**
 * Why it failed.
 */
error: string | null, };
export type SyncView = { 
/**
 * Changes, those that need somebody first.
 */
changes: Array<ChangeView>, 
/**
 * The last pushes, newest first.
 */
pushes: Array<PushView>, 
/**
 * Changes acknowledged today.
 */
received_today: number, 
/**
 * The last message from central.
 */
last_received_at: string | null, 
/**
 * What became of the desk's numbers and its mirror in the last week, newest first.
 */
notices: Array<NoticeView>, };
export type Security = "plaintext" | "sasl_ssl";
export type SecretsPlace = "keychain" | "file";
export type EnrolmentView = { 
/**
 * The store.
 */
store_id: string, 
/**
 * Its name.
 */
store_name: string, 
/**
 * Where its cluster is.
 */
brokers: string, 
/**
 * Whether the line is secured with TLS and a password.
 */
secured: boolean, 
/**
 * Until when it is taken.
 */
expires_at: string | null, };
export type EnrolmentText = { 
/**
 * All of it.
 */
text: string, };
export type Enrol = { 
/**
 * All of its text.
 */
text: string, 
/**
 * This desk's name.
 */
desk_name: string, };
export type ConnectionSettings = { 
/**
 * The store's number.
 */
store_id: string, 
/**
 * This desk's name.
 */
desk_name: string, 
/**
 * `host:port`, separated by commas.
 */
brokers: string, 
/**
 * `aisle` unless central says otherwise.
 */
topic_prefix: string, 
/**
 * How the line is secured.
 */
security: Security, 
/**
 * The user, for `sasl_ssl`.
 */
username: string | null, 
/**
 * The file that holds the password.
 */
password_file: string | null, 
/**
 * The file with the authority's certificate; without it the system's are used.
 */
ca_file: string | null, };
export type ConnectionStep = { 
/**
 * `address`, `reach`, `sign_in`, `topics` or `feed`.
 */
name: "address" | "reach" | "sign_in" | "topics" | "feed", 
/**
 * `null` for a step that was not reached.
 */
ok: boolean | null, 
/**
 * What was found.
 */
detail: string, };
export type ConnectionReport = { 
/**
 * Whether every step passed.
 */
ok: boolean, 
/**
 * The steps in their order.
 */
steps: Array<ConnectionStep>, 
/**
 * What stopped it.
 */
error: RpcError | null, };
export type SettingsView = { 
/**
 * The connection.
 */
connection: ConnectionSettings, 
/**
 * Seconds between pushes.
 */
push_interval_s: number, 
/**
 * Whether decisions leave at once while the line is up.
 */
push_decisions_at_once: boolean, 
/**
 * `system`, `light` or `dark`.
 */
theme: "system" | "light" | "dark", 
/**
 * 0 to 100.
 */
alarm_volume: number, 
/**
 * Minutes without anybody after which the desk locks itself; 0 for never.
 */
lock_after_min: number, 
/**
 * Whether this desk accepts orders by rule.
 */
auto_accept: boolean, 
/**
 * The highest amount that the rule takes; `null` for any.
 */
auto_accept_up_to: string | null, 
/**
 * What the rule leaves to somebody, of what a store chooses.
 */
auto_accept_leaves: Eyes[], 
/**
 * The data folder.
 */
data_folder: string, 
/**
 * Size of the database.
 */
database_bytes: number, };
export type AlarmKind = "new" | "cancelled" | "late";
export type Event = { "type": "session", 
/**
 * The new session.
 */
session: Session, } | { "type": "status", 
/**
 * The figures.
 */
status: StatusView, } | { "type": "orders", 
/**
 * Which.
 */
order_ids: Array<string>, } | { "type": "items", 
/**
 * Which.
 */
item_ids: Array<string>, } | { "type": "outbox" } | { "type": "alarm_test" } | { "type": "unprinted", 
/**
 * The order.
 */
order_id: string, 
/**
 * Why.
 */
error: RpcError, } | { "type": "sound", 
/**
 * It has a sound device.
 */
is_there: boolean, } | { "type": "alarm", 
/**
 * Why.
 */
kind: AlarmKind, 
/**
 * The order.
 */
order_id: string, 
/**
 * Whether it rings from now on.
 */
ringing: boolean, };
export type OrderKey = { 
/**
 * The order.
 */
order_id: string, };
export type OrderKeys = { 
/**
 * The orders.
 */
order_ids: Array<string>, };
export type RateShopper = { 
/**
 * The order.
 */
order_id: string, 
/**
 * 1 to 5.
 */
rating: number, };
export type ItemKey = { 
/**
 * The item.
 */
item_id: string, };
export type ChangeKey = { 
/**
 * The change.
 */
change_id: string | null, };
export type AlarmKey = { 
/**
 * The order.
 */
order_id: string | null, };
export type SaveView = { 
/**
 * The name.
 */
name: string, 
/**
 * What it asks.
 */
query: OrdersQuery, };
export type ViewKey = { 
/**
 * Its name.
 */
name: string, };
export type RejectOrder = { 
/**
 * The order.
 */
order_id: string, 
/**
 * A code of the store's list.
 */
reason: string, 
/**
 * The lines that fail.
 */
items: Array<string>, 
/**
 * What staff wrote.
 */
note: string | null, };
export type SetLine = { 
/**
 * The order.
 */
order_id: string, 
/**
 * The ordered item.
 */
item_id: string, 
/**
 * Where it is.
 */
state: LineState, 
/**
 * The item in the basket instead.
 */
substitute: string | null, };
export type PickQuantity = { 
/**
 * The order.
 */
order_id: string, 
/**
 * The ordered item.
 */
item_id: string, 
/**
 * As typed.
 */
quantity: string, };
export type ReplacementQuery = { 
/**
 * The order.
 */
order_id: string, 
/**
 * The ordered item.
 */
item_id: string, 
/**
 * As typed or scanned; empty for what is most like it.
 */
text: string, };
export type ScanLine = { 
/**
 * The order.
 */
order_id: string, 
/**
 * The code.
 */
code: string, };
export type ApprovePayment = { 
/**
 * The payment.
 */
payment_id: string, 
/**
 * For an amount below the range.
 */
reason: string | null, 
/**
 * For an amount above it, by a manager.
 */
override_reason: string | null, 
/**
 * The manager, where they are not the one who is signed in.
 */
manager: GivenPin | null, };
export type DeclinePayment = { 
/**
 * The payment.
 */
payment_id: string, 
/**
 * A code of the store's list.
 */
reason: string, 
/**
 * Whether the order ends with it.
 */
ends_order: boolean, 
/**
 * What staff wrote.
 */
note: string | null, };
export type SendBack = { 
/**
 * The payment that waits.
 */
payment_id: string, 
/**
 * What staff wrote.
 */
note: string | null, };
export type SetDue = { 
/**
 * The order.
 */
order_id: string, 
/**
 * RFC 3339.
 */
due_at: string, };
export type ClaimOrder = { 
/**
 * The order.
 */
order_id: string, 
/**
 * Whether it is taken.
 */
takes: boolean, };
export type AddNote = { 
/**
 * The order.
 */
order_id: string, 
/**
 * For whom.
 */
audience: Audience, 
/**
 * The note.
 */
text: string, };
export type PauseStore = { 
/**
 * RFC 3339.
 */
until: string | null, };
export type BusyStore = { 
/**
 * Added to each promise.
 */
minutes: number, 
/**
 * RFC 3339.
 */
until: string, };
export type ItemQuery = { 
/**
 * As typed; empty for all.
 */
text: string, 
/**
 * Of the first row.
 */
offset: number, 
/**
 * At most 500.
 */
limit: number, };
export type EditItem = { 
/**
 * The item.
 */
item_id: string, 
/**
 * New values as typed, by field.
 */
fields: { [key in string]: string }, };
export type SetSetting = { 
/**
 * Which.
 */
key: string, 
/**
 * Its value as text.
 */
value: string, };
export type PageError = { 
/**
 * What the page says.
 */
text: string, };
export type DayKey = { 
/**
 * `2017-04-05`; `null` for the one that is.
 */
day: string | null, };
export type EndShift = { 
/**
 * To whoever comes next.
 */
note: string, };
export type SetPin = { 
/**
 * Who.
 */
staff_id: string, 
/**
 * The new one.
 */
pin: Pin, 
/**
 * The one before, for one's own.
 */
before: Pin | null, };
export type SetRole = { 
/**
 * Who.
 */
staff_id: string, 
/**
 * What they are from now on.
 */
role: Role, };
export type RenameMember = { 
/**
 * Who.
 */
staff_id: string, 
/**
 * The name.
 */
name: string, };
export type MemberKey = { 
/**
 * Who.
 */
staff_id: string, };
export type AddMember = { 
/**
 * Their name.
 */
name: string, 
/**
 * What they are.
 */
role: Role, 
/**
 * Their first PIN.
 */
pin: Pin, };
export type SignIn = { 
/**
 * Who.
 */
staff_id: string, 
/**
 * Their PIN, where they have one.
 */
pin: Pin | null, };
export type GivenPin = { 
/**
 * Who.
 */
staff_id: string, 
/**
 * Their PIN.
 */
pin: Pin, };

/** Every command with its parameters and its answer. */
export type Commands = {
  "session": { params: null, result: Session },
  "connect": { params: ConnectionSettings, result: Session },
  "read_enrolment": { params: EnrolmentText, result: EnrolmentView },
  "enrol": { params: Enrol, result: Session },
  "rehearse": { params: null, result: Session },
  "leave_rehearsal": { params: null, result: Session },
  "test_connection": { params: ConnectionSettings, result: ConnectionReport },
  "status": { params: null, result: StatusView },
  "orders": { params: null, result: OrderQueue },
  "find_orders": { params: OrdersQuery, result: FoundOrders },
  "saved_views": { params: null, result: Array<NamedQuery> },
  "save_view": { params: SaveView, result: Array<NamedQuery> },
  "remove_view": { params: ViewKey, result: Array<NamedQuery> },
  "order": { params: OrderKey, result: OrderDetail },
  "accept_order": { params: OrderKey, result: ActReceipt },
  "accept_orders": { params: OrderKeys, result: Bulk },
  "print_orders": { params: OrderKeys, result: Bulk },
  "rate_shopper": { params: RateShopper, result: ActReceipt },
  "reject_order": { params: RejectOrder, result: ActReceipt },
  "set_line": { params: SetLine, result: ActReceipt },
  "pick_quantity": { params: PickQuantity, result: ActReceipt },
  "preview_quantity": { params: PickQuantity, result: QuantityPreview },
  "replacements": { params: ReplacementQuery, result: Replacements },
  "scan_line": { params: ScanLine, result: ScannedLine },
  "approve_payment": { params: ApprovePayment, result: ActReceipt },
  "approve_order": { params: OrderKey, result: ActReceipt },
  "decline_payment": { params: DeclinePayment, result: ActReceipt },
  "send_back": { params: SendBack, result: ActReceipt },
  "undo": { params: ChangeKey, result: ActReceipt },
  "release": { params: ChangeKey, result: null },
  "acknowledge": { params: AlarmKey, result: WaitingCounts },
  "printers": { params: null, result: Array<string> },
  "print_order": { params: OrderKey, result: null },
  "staff": { params: null, result: StaffView },
  "sign_in": { params: SignIn, result: Session },
  "lock": { params: null, result: Session },
  "active": { params: null, result: null },
  "add_member": { params: AddMember, result: StaffView },
  "rename_member": { params: RenameMember, result: StaffView },
  "set_role": { params: SetRole, result: StaffView },
  "set_pin": { params: SetPin, result: StaffView },
  "disable_member": { params: MemberKey, result: StaffView },
  "report": { params: DayKey, result: ReportView },
  "export_report": { params: DayKey, result: ExportView },
  "shift": { params: null, result: ShiftView },
  "begin_shift": { params: null, result: ShiftView },
  "end_shift": { params: EndShift, result: ShiftView },
  "sound": { params: null, result: boolean | null },
  "test_alarm": { params: null, result: null },
  "payments": { params: null, result: Array<PaymentView> },
  "set_due": { params: SetDue, result: ActReceipt },
  "claim_order": { params: ClaimOrder, result: ActReceipt },
  "add_note": { params: AddNote, result: ActReceipt },
  "ask_range": { params: OrderKey, result: ActReceipt },
  "pause_store": { params: PauseStore, result: ActReceipt },
  "busy_store": { params: BusyStore, result: ActReceipt },
  "end_busy": { params: null, result: ActReceipt },
  "items": { params: ItemQuery, result: ItemPage },
  "item": { params: ItemKey, result: ItemDetail },
  "edit_item": { params: EditItem, result: ActReceipt },
  "sync": { params: null, result: SyncView },
  "send_now": { params: null, result: null },
  "settings": { params: null, result: SettingsView },
  "set_setting": { params: SetSetting, result: SettingsView },
  "report_error": { params: PageError, result: null },
};
