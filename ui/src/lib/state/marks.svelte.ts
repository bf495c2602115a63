import { SvelteSet } from "svelte/reactivity";

import { CallError } from "../host/host";
import type { Bulk } from "../rpc/generated";
import { t } from "../text";
import type { Desk } from "./desk.svelte";

/** Orders that are marked, to do the same with all of them at once. */
export class Marks {
  readonly ids = new SvelteSet<string>();
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  get size(): number {
    return this.ids.size;
  }

  toggle(id: string): void {
    if (!this.ids.delete(id)) this.ids.add(id);
  }

  /** All of these, or none where all of them are marked already. */
  toggleAll(ids: string[]): void {
    const all = ids.every((id) => this.ids.has(id));
    this.ids.clear();
    if (!all) for (const id of ids) this.ids.add(id);
  }

  clear(): void {
    this.ids.clear();
  }

  accept(): Promise<void> {
    return this.#each("accept_orders", t.orders.bulk.acceptLeft);
  }

  print(): Promise<void> {
    return this.#each("print_orders", t.orders.bulk.printLeft);
  }

  /** What it is done with is marked no more; what stands against the others is told, and they stay marked. */
  async #each(method: "accept_orders" | "print_orders", leftWords: (n: number, of: number) => string): Promise<void> {
    const order_ids = [...this.ids];
    if (order_ids.length === 0) return;
    this.#desk.problem = null;
    try {
      const { done, left }: Bulk = await this.#desk.host.call(method, { order_ids });
      for (const id of done) this.ids.delete(id);
      const first = left[0];
      if (!first) return;
      const why = t.orders.bulk.why(first.order_id.slice(-4), first.error.message);
      this.#desk.tell(new CallError({ ...first.error, message: `${leftWords(left.length, order_ids.length)} ${why}` }));
    } catch (error) {
      this.#desk.tell(error);
    }
  }
}
