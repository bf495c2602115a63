import type { CallError } from "../../lib/host/host";
import type { MemberView, StaffView } from "../../lib/rpc/generated";
import type { Desk } from "../../lib/state/desk.svelte";
import { asCallError, Live } from "../../lib/state/live.svelte";

/** Somebody who signs in: who they say they are, and what they typed so far. */
export class SignIn {
  readonly staff: Live<StaffView>;
  pin = $state("");
  error: CallError | null = $state.raw(null);
  busy = $state(false);
  #chosen: string | null = $state(null);
  /** When the last answer on waits came, on the page's monotonic clock. */
  #readAt = $state(0);
  #letters = "";
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
    this.staff = new Live(() => desk.host.call("staff", null));
  }

  get people(): MemberView[] {
    return this.staff.value?.people ?? [];
  }

  /** Who was chosen; whoever was here last until somebody is. */
  get member(): MemberView | null {
    const people = this.people;
    const last = people.toSorted((a, b) => (b.last_here ?? "").localeCompare(a.last_here ?? ""))[0];
    return people.find((person) => person.staff_id === this.#chosen) ?? last ?? null;
  }

  /** Milliseconds until a PIN of theirs is tried again. */
  get waits(): number {
    const whole = (this.member?.waits_s ?? 0) * 1000;
    // The page's clock moves in steps: it may stand before the answer.
    return Math.max(0, whole - Math.max(0, this.#desk.ticks - this.#readAt));
  }

  async read(): Promise<void> {
    await this.staff.reload();
    this.#readAt = performance.now();
  }

  choose(staffId: string): void {
    this.#chosen = staffId;
    this.pin = "";
    this.error = null;
    this.#letters = "";
  }

  /** The next who begins with what was typed; a letter that fits nobody begins anew. */
  letter(letter: string): void {
    const begins = (letters: string) =>
      this.people.find((person) => person.name.toLowerCase().startsWith(letters.toLowerCase()));
    const found = begins(this.#letters + letter) ? this.#letters + letter : letter;
    const person = begins(found);
    if (!person) return;
    this.choose(person.staff_id);
    this.#letters = found;
  }

  typed(pin: string): void {
    this.pin = pin;
    this.error = null;
  }

  async submit(): Promise<void> {
    const member = this.member;
    if (!member || this.busy || this.waits > 0 || (member.has_pin && this.pin === "")) return;
    this.busy = true;
    this.error = null;
    try {
      await this.#desk.signIn(member.staff_id, member.has_pin ? this.pin : null);
    } catch (error) {
      this.error = asCallError(error);
      await this.read();
    } finally {
      this.pin = "";
      this.busy = false;
    }
  }
}
