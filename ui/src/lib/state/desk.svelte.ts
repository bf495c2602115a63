import { getContext, setContext } from "svelte";

import { CallError, type Hearing, type Host } from "../host/host";
import type {
  ActReceipt,
  Commands,
  Event,
  OrderQueue,
  PaymentView,
  Right,
  Session,
  StatusView,
} from "../rpc/generated";
import type { Screen } from "../logic/keys";
import { t } from "../text";
import { Filtering } from "./filtering.svelte";
import { asCallError, Live } from "./live.svelte";
import { Marks } from "./marks.svelte";

/** Commands that are acts: they answer a receipt and can be taken back for a while. */
type Act = { [M in keyof Commands]: Commands[M]["result"] extends ActReceipt ? M : never }[keyof Commands];

/** The last act, while it is held: a bar shrinks until it leaves the desk. */
export interface HeldAct {
  changeId: string;
  subject: string;
  text: string;
  /** How long it is held in all, milliseconds. */
  holdMs: number;
  /** When the hold ends, on the page's monotonic clock. */
  endsAt: number;
}

const TICK_MS = 250;
/** However often somebody touches the desk, it is told no more often. */
const TOUCH_MS = 20_000;

/** The desk as the page knows it: what the shell pushed and what was read of it. */
export class Desk {
  readonly host: Host;
  session: Session | null = $state.raw(null);
  /** Why no desk could be opened. */
  failure: CallError | null = $state.raw(null);
  status: StatusView | null = $state.raw(null);
  hearing: Hearing = $state("up");
  screen: Screen = $state("orders");
  /** Whether this computer can ring, where it was tried. */
  sound: boolean | null = $state(null);
  /** The order that is open; it stays open when it leaves the queue. */
  selected: string | null = $state(null);
  /** What is asked of the whole store, over the orders. */
  asking: "capacity" | "handover" | "filter" | null = $state(null);
  held: HeldAct | null = $state.raw(null);
  /** What the last command refused: in words, until it is closed or something else is done. */
  problem: CallError | null = $state.raw(null);
  /** This computer's clock, milliseconds; moves a few times a second. */
  wall = $state(Date.now());
  /** The page's monotonic clock, milliseconds. */
  ticks = $state(performance.now());
  /** Counts what the shell told to have changed; whoever shows it reads again. */
  readonly revision = $state({ orders: 0, items: 0, outbox: 0 });
  readonly queue: Live<OrderQueue>;
  readonly payments: Live<PaymentView[]>;
  readonly filtering: Filtering;
  readonly marks: Marks;

  #touchedAt = -TOUCH_MS;
  /** How often the shell told these: an answer that was asked for before is older. */
  readonly #told = { session: 0, status: 0 };

  constructor(host: Host) {
    this.host = host;
    this.queue = new Live(() => this.host.call("orders", null));
    this.payments = new Live(() => this.host.call("payments", null));
    this.filtering = new Filtering(host);
    this.marks = new Marks(this);
  }

  /** Listens and reads; the returned function ends it. */
  start(): () => void {
    const end = this.host.listen({
      event: (event) => this.#heard(event),
      hearing: (state) => this.#hearing(state),
    });
    const timer = setInterval(() => this.#tick(), TICK_MS);
    void this.readSession();
    return () => {
      clearInterval(timer);
      end();
    };
  }

  /** Milliseconds on central's clock: ages and deadlines count by it. */
  get now(): number {
    return this.wall + (this.status?.clock_offset_ms ?? 0);
  }

  get zone(): string {
    return this.session?.store?.time_zone ?? "UTC";
  }

  get currency(): string {
    return this.session?.store?.currency ?? "USD";
  }

  /** Whether the person who is signed in may do this. */
  may(right: Right): boolean {
    return this.session?.person?.rights.includes(right) ?? false;
  }

  /** The same where somebody begins it: who may not is told who may. */
  allows(right: Right): boolean {
    const may = this.may(right);
    if (!may) {
      const { denied, deniedHint } = t.people;
      this.tell(new CallError({ code: "not_allowed", message: denied[right], hint: deniedHint, retryable: false }));
    }
    return may;
  }

  /** Nobody is signed in: what is open stays open, covered. */
  get isLocked(): boolean {
    return this.isOpen && this.session?.locked != null;
  }

  get isOpen(): boolean {
    return this.session?.state === "desk";
  }

  async readSession(): Promise<void> {
    const told = this.#told.session;
    try {
      const session = await this.host.call("session", null);
      // What the shell told meanwhile is newer than this answer.
      if (told === this.#told.session) this.#opened(session);
    } catch (error) {
      this.failure = asCallError(error);
    }
  }

  #opened(session: Session): void {
    if (session.desk?.desk_id !== this.session?.desk?.desk_id) this.#forget();
    this.session = session;
    this.failure = null;
    if (session.state === "desk") this.#readAll();
  }

  /** What another desk left on the page must not be taken for this one's. */
  #forget(): void {
    this.status = null;
    this.queue.reset();
    this.payments.reset();
    this.filtering.clear();
    this.marks.clear();
    this.selected = null;
    this.held = null;
    this.problem = null;
    this.screen = "orders";
    this.asking = null;
  }

  #readAll(): void {
    const told = this.#told.status;
    this.host.call("status", null).then(
      (status) => {
        if (told === this.#told.status) this.status = status;
      },
      (error: unknown) => this.tell(error),
    );
    this.host.call("sound", null).then(
      (sound) => (this.sound = sound),
      (error: unknown) => this.tell(error),
    );
    void this.queue.reload();
    void this.payments.reload();
    this.filtering.reload();
    this.revision.orders += 1;
    this.revision.items += 1;
    this.revision.outbox += 1;
  }

  #hearing(state: Hearing): void {
    const back = state === "up" && this.hearing === "down";
    this.hearing = state;
    // What was told meanwhile was told to nobody.
    if (back) void this.readSession();
  }

  #heard(event: Event): void {
    switch (event.type) {
      case "session":
        this.#told.session += 1;
        this.#opened(event.session);
        break;
      case "status":
        this.#told.status += 1;
        this.status = event.status;
        break;
      case "orders":
        this.revision.orders += 1;
        void this.queue.reload();
        void this.payments.reload();
        this.filtering.reload();
        break;
      case "items":
        this.revision.items += 1;
        break;
      case "outbox":
        this.revision.outbox += 1;
        void this.queue.reload();
        this.filtering.reload();
        break;
      case "alarm":
        void this.queue.reload();
        break;
      case "sound":
        this.sound = event.is_there;
        break;
      case "unprinted":
        this.tell(new CallError(event.error));
        break;
      case "alarm_test":
        break;
    }
  }

  #tick(): void {
    this.wall = Date.now();
    this.ticks = performance.now();
    if (this.held && this.ticks >= this.held.endsAt) this.held = null;
  }

  /** Shows what stands against something. */
  tell(error: unknown): void {
    this.problem = asCallError(error);
  }

  /**
   * Does an act; `about` names what it is done to, as people say it. True once it is committed, else the problem says
   * what stands against it.
   */
  async act<M extends Act>(method: M, params: Commands[M]["params"], about: string): Promise<boolean> {
    this.problem = null;
    try {
      const receipt = (await this.host.call(method, params)) as ActReceipt;
      this.#hold(receipt, about);
      return true;
    } catch (error) {
      this.tell(error);
      return false;
    }
  }

  #hold(receipt: ActReceipt, about: string): void {
    const undo = receipt.undo;
    if (!undo || undo.hold_ms <= 0) {
      this.held = null;
      return;
    }
    this.held = {
      changeId: undo.change_id,
      subject: receipt.subject,
      text: `${about}: ${undo.text}`,
      holdMs: undo.hold_ms,
      endsAt: performance.now() + undo.hold_ms,
    };
  }

  /** Takes back the change, or without one the newest that can still be taken back. */
  async undo(changeId: string | null): Promise<boolean> {
    this.problem = null;
    try {
      await this.host.call("undo", { change_id: changeId ?? this.held?.changeId ?? null });
      this.held = null;
      return true;
    } catch (error) {
      this.tell(error);
      return false;
    }
  }

  /** Lets a held act leave at once. */
  async release(changeId: string): Promise<void> {
    await this.attempt("release", { change_id: changeId });
    if (this.held?.changeId === changeId) this.held = null;
  }

  /** Calls a command that answers nothing to show; what stands against it becomes the problem. */
  async attempt<M extends keyof Commands>(method: M, params: Commands[M]["params"]): Promise<boolean> {
    try {
      await this.host.call(method, params);
      return true;
    } catch (error) {
      this.tell(error);
      return false;
    }
  }

  /** Asks something of the whole store on the Orders screen. */
  ask(what: "capacity" | "handover" | "filter"): void {
    this.screen = "orders";
    this.asking = what;
  }

  /** Opens an order on the Orders screen. */
  open(orderId: string): void {
    this.selected = orderId;
    this.screen = "orders";
  }

  /** Acknowledges the most urgent alarm and opens its order. */
  async seen(): Promise<void> {
    const queue = this.queue.value;
    const { stop = [], new: fresh = [], payment = [], picking = [] } = queue ?? {};
    const first = [...stop, ...fresh, ...payment, ...picking].find((card) => card.unheard);
    if (!first) return;
    this.open(first.order_id);
    await this.attempt("acknowledge", { order_id: first.order_id });
  }

  /** Signs somebody in; what stands against it is thrown. */
  async signIn(staffId: string, pin: string | null): Promise<void> {
    this.session = await this.host.call("sign_in", { staff_id: staffId, pin });
    this.problem = null;
    // Whoever comes after a shift has ended begins with what it left.
    const shift = await this.host.call("shift", null);
    if (!shift.begun && shift.handover) this.ask("handover");
  }

  /** Leaves the desk: held decisions go, and nobody does anything until somebody signs in. */
  async lock(): Promise<void> {
    if (await this.attempt("lock", null)) this.held = null;
  }

  /** Somebody is there: the desk does not lock itself. */
  touched(): void {
    const now = performance.now();
    if (!this.session?.person?.has_pin || now - this.#touchedAt < TOUCH_MS) return;
    this.#touchedAt = now;
    void this.host.call("active", null).catch((error: unknown) => this.tell(error));
  }

  sendNow(): void {
    void this.attempt("send_now", null);
  }
}

const KEY = Symbol("desk");

export function provideDesk(desk: Desk): void {
  setContext(KEY, desk);
}

export function useDesk(): Desk {
  return getContext<Desk>(KEY);
}
