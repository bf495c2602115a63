import type {
  ActReceipt,
  Commands,
  Event,
  LineView,
  MemberView,
  OrderCard,
  OrderDetail,
  OrderQueue,
  Right,
  Role,
  RpcError,
  Session,
  SettingsView,
  StatusView,
} from "../rpc/generated";
import { CallError, type Hearing, type Host, type Listener } from "./host";

type Answer<M extends keyof Commands> = (
  params: Commands[M]["params"],
) => Commands[M]["result"] | Promise<Commands[M]["result"]>;

/** A program around the page that answers what a test tells it to, and remembers what it was asked. */
export class FakeHost implements Host {
  readonly calls: { method: keyof Commands; params: unknown }[] = [];
  readonly #answers = new Map<keyof Commands, (params: never) => unknown>();
  #listener: Listener | null = null;

  answer<M extends keyof Commands>(method: M, answer: Answer<M>): this {
    this.#answers.set(method, answer);
    return this;
  }

  refuse(method: keyof Commands, error: Partial<RpcError>): this {
    this.#answers.set(method, () => {
      throw refusal(error);
    });
    return this;
  }

  async call<M extends keyof Commands>(method: M, params: Commands[M]["params"]): Promise<Commands[M]["result"]> {
    this.calls.push({ method, params });
    const answer = this.#answers.get(method) as Answer<M> | undefined;
    if (!answer) throw refusal({ code: "no_desk", message: `${method} has no answer` });
    return answer(params);
  }

  listen(listener: Listener): () => void {
    this.#listener = listener;
    return () => {
      this.#listener = null;
    };
  }

  get isHeard(): boolean {
    return this.#listener !== null;
  }

  tell(event: Event): void {
    this.#listener?.event(event);
  }

  hearing(state: Hearing): void {
    this.#listener?.hearing(state);
  }

  /** Parameters of all calls of a command, in their order. */
  asked<M extends keyof Commands>(method: M): Commands[M]["params"][] {
    return this.calls.filter((call) => call.method === method).map((call) => call.params as Commands[M]["params"]);
  }
}

export function refusal(error: Partial<RpcError>): CallError {
  return new CallError({ code: "unexpected", message: "refused", hint: null, retryable: false, ...error });
}

/** A promise that a test keeps open as long as it likes. */
export function held<T>(): { promise: Promise<T>; answer: (value: T) => void; refuse: (error: CallError) => void } {
  let answer!: (value: T) => void;
  let refuse!: (error: CallError) => void;
  const promise = new Promise<T>((resolve, reject) => {
    answer = resolve;
    refuse = reject;
  });
  return { promise, answer, refuse };
}

/** Lets everything that is ready run. */
export const settled = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

export const firstRunSession: Session = {
  state: "first_run",
  rehearsal: false,
  version: "0.1.0",
  store: null,
  desk: null,
  person: null,
  locked: null,
};

const everything: Right[] = ["orders", "availability", "catalog", "pause", "override", "staff", "settings"];

export function deskSession(rehearsal = false, deskId = "desk-1"): Session {
  return {
    ...firstRunSession,
    state: "desk",
    rehearsal,
    store: {
      store_id: "367",
      name: "Store 367",
      city: "Springfield",
      currency: "USD",
      time_zone: "Europe/Berlin",
      reasons: { reject: [], decline: [], override: [] },
      paused_until: null,
      busy_minutes: null,
      busy_until: null,
    },
    desk: { desk_id: deskId, name: "Desk 1", data: "/data", printer: null },
    person: { staff_id: "1", name: "Noor", role: "manager", has_pin: false, rights: everything },
  };
}

export const quietStatus: StatusView = {
  store_id: "367",
  desk_id: "desk-1",
  incarnation: "1",
  epoch: null,
  link: { state: "up", since: null, cause: null, hint: null, keeps_nothing: false, catching_up: false, throttled_ms: null },
  outbox: { held: 0, ready: 0, sent: 0, refused: 0, oldest_age_s: null },
  feeds: [],
  parked: 0,
  conflicts: 0,
  last_push_at: null,
  next_push_at: null,
  last_received_at: null,
  clock_offset_ms: null,
  signed: false,
  secrets: null,
  schema_version: 1,
  cluster: null,
  missed_pushes: 0,
  pushing: false,
  received_today: 0,
  now: "2017-04-05T12:00:00.000Z",
  waiting: { new: 0, payments: 0, picking: 0, refused: 0, unheard: 0 },
};

export const emptyQueue: OrderQueue = { stop: [], new: [], payment: [], picking: [], decided: [], decided_total: 0 };

export function card(orderId: string, unheard = false): OrderCard {
  return {
    order_id: orderId,
    display_no: orderId.slice(-4),
    status: "new",
    decision: null,
    cancelled: false,
    reason: null,
    customer: "A customer",
    creation_time: "2017-04-05T11:50:00.000Z",
    queued_time: "2017-04-05T11:50:00.000Z",
    accept_by: null,
    due_at: null,
    claimed_by: null,
    lines: 1,
    pieces: "1",
    expected: "2.49",
    payment: null,
    picked_lines: 0,
    decided_at: null,
    sync: null,
    unheard,
    late_arrival: false,
  };
}

export function line(itemId: string, name: string, changes: Partial<LineView> = {}): LineView {
  return {
    item_id: itemId,
    name,
    barcode: null,
    order_unit_price: "28.48",
    quantity: "1",
    unit: "each",
    total: "28.48",
    state: "to_pick",
    picked_quantity: null,
    picked_total: null,
    substitute: null,
    substitute_name: null,
    note: null,
    receipt_total: null,
    receipt_name: null,
    difference: null,
    why: null,
    ...changes,
  };
}

export function order(changes: Partial<OrderDetail> = {}): OrderDetail {
  return {
    order_id: "1006472",
    display_no: "6472",
    store_id: "367",
    user_id: "5",
    customer: "Customer 5",
    customer_orders: 2,
    status: "new",
    decision: null,
    reason: null,
    decided_by: null,
    decided_at: null,
    cancelled: false,
    creation_time: "2017-04-05T11:50:00.000Z",
    queued_time: "2017-04-05T11:50:00.000Z",
    accept_by: null,
    due_at: null,
    claimed_by: null,
    version: 1,
    range: { lo: "19.93", hi: "31.33", version: 1 },
    expected: "28.48",
    picked: "0.00",
    forecast: "28.48",
    headroom_lo: null,
    headroom_hi: null,
    ceiling: "34.46",
    currency: "USD",
    note: null,
    substitution: null,
    payment_expected: true,
    lines: [line("1", "Kids Cereal, 12.2 OZ")],
    payments: [],
    receipt: null,
    extra: [],
    difference: [],
    shopper: null,
    sync: null,
    history: [],
    undo: null,
    will_be_refused: null,
    late_arrival: false,
    needs_eyes: null,
    ...changes,
  };
}

/** Somebody who works at the desk, and has a PIN. */
export const member = (staff_id: string, name: string, role: Role, changes: Partial<MemberView> = {}): MemberView => ({
  staff_id,
  name,
  role,
  has_pin: true,
  last_here: null,
  waits_s: null,
  ...changes,
});

/** What an act answers, held for so long. */
export const receipt = (hold_ms: number): ActReceipt => ({
  change_id: "c-1",
  state: "saved",
  subject: "order/1006472",
  undo: { change_id: "c-1", text: "Order accepted", hold_ms },
});

export const someSettings: SettingsView = {
  connection: {
    store_id: "367",
    desk_name: "Desk 1",
    brokers: "kafka.example:9092",
    topic_prefix: "aisle",
    security: "plaintext",
    username: null,
    password_file: null,
    ca_file: null,
  },
  push_interval_s: 300,
  push_decisions_at_once: true,
  theme: "system",
  alarm_volume: 80,
  lock_after_min: 10,
  auto_accept: false,
  auto_accept_up_to: null,
  auto_accept_leaves: ["note", "ask", "out_of_stock"],
  data_folder: "/data",
  database_bytes: 2_800_000,
};

/** A desk that is open and has nothing to do. */
export function openHost(rehearsal = false): FakeHost {
  return new FakeHost()
    .answer("session", () => deskSession(rehearsal))
    .answer("status", () => quietStatus)
    .answer("orders", () => emptyQueue)
    .answer("payments", () => [])
    .answer("settings", () => someSettings)
    .answer("printers", () => [])
    .answer("sound", () => null)
    .answer("report_error", () => null);
}
