import type { Commands, Event, OrderCard, OrderQueue, RpcError, Session, SettingsView, StatusView } from "../rpc/generated";
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
};

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
    desk: { desk_id: deskId, name: "Desk 1", data: "/data" },
    person: { name: "Noor", role: "manager" },
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
    .answer("report_error", () => null);
}
