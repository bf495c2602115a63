import type { CallError } from "../../lib/host/host";
import { asCallError } from "../../lib/state/live.svelte";

/**
 * One setting under its control. Shows a choice at once and saves it at once; while one is being saved only the newest
 * of those that follow is kept, and a choice that is refused goes back to what is saved.
 */
export class Setting {
  /** What the control shows. */
  shown = $state("");
  state: "still" | "saving" | "saved" = $state("still");
  error: CallError | null = $state.raw(null);
  readonly #save: (value: string) => Promise<unknown>;
  #kept = "";
  #next: string | null = null;

  constructor(save: (value: string) => Promise<unknown>) {
    this.#save = save;
  }

  /** Takes in what is saved. */
  read(value: string): void {
    this.#kept = value;
    this.shown = value;
  }

  async choose(value: string): Promise<void> {
    this.shown = value;
    this.error = null;
    this.#next = value;
    if (this.state === "saving") return;
    this.state = "saving";
    try {
      while (this.#next !== null) {
        const saving: string = this.#next;
        this.#next = null;
        await this.#save(saving);
        this.#kept = saving;
      }
      this.state = "saved";
    } catch (error) {
      this.#next = null;
      this.shown = this.#kept;
      this.error = asCallError(error);
      this.state = "still";
    }
  }
}
