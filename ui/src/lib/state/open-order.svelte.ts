import type { OrderDetail } from "../rpc/generated";
import type { Desk } from "./desk.svelte";
import { Live } from "./live.svelte";

/** The order that is open, read again whenever it may have changed. For one component's lifetime. */
export class OpenOrder {
  readonly live: Live<OrderDetail>;
  #id: string | null = null;

  constructor(desk: Desk) {
    this.live = new Live(() => desk.host.call("order", { order_id: desk.selected ?? "" }));
    $effect(() => {
      void desk.revision.orders;
      void desk.revision.outbox;
      const id = desk.selected;
      if (id !== this.#id) {
        this.#id = id;
        this.live.reset();
      }
      if (id !== null) void this.live.reload();
    });
  }

  get order(): OrderDetail | null {
    const order = this.live.value;
    return order?.order_id === this.#id ? order : null;
  }
}
