import type { CallError } from "../../lib/host/host";
import type { Commands } from "../../lib/rpc/generated";
import type { Desk } from "../../lib/state/desk.svelte";
import { asCallError } from "../../lib/state/live.svelte";

/** Commands that end in another session. */
export type Way = "connect" | "enrol" | "rehearse" | "leave_rehearsal";

/** Ways into a desk, or out of one: one at a time is gone, the others wait. */
export class Entry {
  /** The way that is being gone. */
  going: Way | null = $state(null);
  #refused: { way: Way; error: CallError } | null = $state.raw(null);
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** Why a way could not be gone: told where it was chosen. */
  refused(way: Way): CallError | null {
    return this.#refused?.way === way ? this.#refused.error : null;
  }

  /** What stands against a way, known before it is gone. */
  refuse(way: Way, error: unknown): void {
    this.#refused = { way, error: asCallError(error) };
  }

  /** What was asked for there is another thing now. */
  forget(way: Way): void {
    if (this.#refused?.way === way) this.#refused = null;
  }

  /** True once the page is on the other side. */
  async go<W extends Way>(way: W, params: Commands[W]["params"]): Promise<boolean> {
    if (this.going !== null) return false;
    this.going = way;
    this.#refused = null;
    try {
      await this.#desk.host.call(way, params);
      await this.#desk.readSession();
      return true;
    } catch (error) {
      this.refuse(way, error);
      return false;
    } finally {
      this.going = null;
    }
  }
}
