import { getContext, setContext } from "svelte";

import type { OrderCard } from "../rpc/generated";
import type { Desk } from "./desk.svelte";

/** What is typed into the field of the bar: on the catalog it filters items, elsewhere it finds orders. */
export class Finding {
  text = $state("");
  orders: OrderCard[] = $state.raw([]);
  /** The found order that Enter opens. */
  chosen = $state(0);
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
    this.orders = [];
    this.#turn += 1;
  }

  /** Reads what fits the text; answers to older texts are thrown away. */
  async find(): Promise<void> {
    const turn = ++this.#turn;
    this.chosen = 0;
    if (this.#desk.screen === "catalog" || this.text.trim() === "") {
      this.orders = [];
      return;
    }
    try {
      const found = await this.#desk.host.call("find_orders", { text: this.text });
      if (turn === this.#turn) this.orders = found;
    } catch (error) {
      if (turn === this.#turn) this.#desk.tell(error);
    }
  }

  move(step: 1 | -1): void {
    if (this.orders.length > 0) this.chosen = (this.chosen + step + this.orders.length) % this.orders.length;
  }

  /** Opens the chosen order, or looks in the catalog where none fits. */
  enter(): void {
    const order = this.orders[this.chosen];
    if (order) {
      this.#desk.open(order.order_id);
      this.clear();
    } else if (this.text.trim() !== "") {
      this.#desk.screen = "catalog";
    }
    this.entered += 1;
  }

  /** A scanned code is an item's barcode. */
  scanned(code: string): void {
    if (!this.#desk.isOpen) return;
    this.orders = [];
    this.text = code;
    this.#desk.screen = "catalog";
  }
}

const KEY = Symbol("finding");

export function provideFinding(finding: Finding): void {
  setContext(KEY, finding);
}

export function useFinding(): Finding {
  return getContext<Finding>(KEY);
}
