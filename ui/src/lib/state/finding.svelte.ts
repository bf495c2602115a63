import { getContext, setContext } from "svelte";

import type { FoundOrder } from "../rpc/generated";
import type { Desk } from "./desk.svelte";
import { everything } from "./filtering.svelte";

/** Something that fits what was typed: an order, or the items of the catalog as a whole. */
export type Fitting = { order: FoundOrder } | "items";

/** What is typed into the field of the bar: on the catalog it filters items, elsewhere it finds orders. */
export class Finding {
  text = $state("");
  /** What fits, the most likely first. */
  fitting: Fitting[] = $state.raw([]);
  /** Of those, the one that Enter opens. */
  chosen = $state(0);
  /** The palette is open. */
  palette = $state(false);
  /** Asks the bar to take the focus. */
  wanted = $state(0);
  /** Counts how often the field was left for what it found: the screen takes the focus. */
  entered = $state(0);
  readonly #desk: Desk;
  #turn = 0;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  focus(): void {
    this.wanted += 1;
  }

  clear(): void {
    this.text = "";
    this.fitting = [];
    this.#turn += 1;
  }

  /** Reads what fits the text; answers to older texts are thrown away. */
  async find(): Promise<void> {
    const turn = ++this.#turn;
    this.chosen = 0;
    if (this.#desk.screen === "catalog" || this.text.trim() === "") {
      this.fitting = [];
      return;
    }
    try {
      const found = await this.#desk.host.call("find_orders", { ...everything, text: this.text });
      if (turn === this.#turn) this.fitting = fitting(found.rows);
    } catch (error) {
      if (turn === this.#turn) this.#desk.tell(error);
    }
  }

  move(step: 1 | -1): void {
    const count = this.fitting.length;
    if (count > 0) this.chosen = (this.chosen + step + count) % count;
  }

  /** Opens the chosen order, or looks in the catalog. */
  enter(): void {
    const chosen = this.fitting[this.chosen];
    if (chosen !== undefined && chosen !== "items") {
      this.#desk.open(chosen.order.card.order_id);
      this.clear();
    } else if (this.text.trim() !== "") {
      this.fitting = [];
      this.#desk.screen = "catalog";
    }
    this.entered += 1;
  }

  /** A scanned code is an item's barcode. */
  scanned(code: string): void {
    if (!this.#desk.isOpen) return;
    this.fitting = [];
    this.text = code;
    this.#desk.screen = "catalog";
  }
}

/** Who types the name of an item, and no number or customer, more likely means the item than the orders it is in. */
function fitting(found: FoundOrder[]): Fitting[] {
  const orders = found.map((order) => ({ order }));
  return found[0] && found[0].item === null ? [...orders, "items"] : ["items", ...orders];
}

const KEY = Symbol("finding");

export function provideFinding(finding: Finding): void {
  setContext(KEY, finding);
}

export function useFinding(): Finding {
  return getContext<Finding>(KEY);
}
