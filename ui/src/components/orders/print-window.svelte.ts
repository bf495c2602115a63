import { mount, tick, unmount } from "svelte";

import type { Desk } from "../../lib/state/desk.svelte";
import PickLists from "./PickLists.svelte";

/** Prints the pick lists of several orders from the window, one a page. `context` is that of a component of the page. */
export async function printWindow(desk: Desk, ids: string[], context: Map<unknown, unknown>): Promise<void> {
  const orders = await Promise.all(ids.map((order_id) => desk.host.call("order", { order_id })));
  const lists = mount(PickLists, { target: document.body, props: { orders }, context });
  await tick();
  try {
    window.print();
  } finally {
    await unmount(lists);
  }
}
