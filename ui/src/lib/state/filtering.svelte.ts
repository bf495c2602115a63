import type { Host } from "../host/host";
import type { FoundOrders, NamedQuery, OrdersQuery } from "../rpc/generated";
import { Live } from "./live.svelte";

/** The question that asks for nothing: every order answers it. */
export const everything: OrdersQuery = { text: "", stages: [], period: "any", day: null, keeper: "any", flags: [] };

export function asksNothing(query: OrdersQuery): boolean {
  const { text, stages, period, day, keeper, flags } = query;
  const isNarrow = stages.length + flags.length > 0 || period !== "any" || day !== null || keeper !== "any";
  return text.trim() === "" && !isNarrow;
}

/** Which orders the queue shows, where somebody asked for some of them; and the questions that have a name. */
export class Filtering {
  /** The question in force; `null` while the queue is as always. */
  query: OrdersQuery | null = $state.raw(null);
  /** The name of the view it came from. */
  name: string | null = $state(null);
  views: NamedQuery[] = $state.raw([]);
  readonly found: Live<FoundOrders>;
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
    this.found = new Live(() => host.call("find_orders", this.query ?? everything));
  }

  show(query: OrdersQuery, name: string | null = null): void {
    this.found.reset();
    this.query = asksNothing(query) ? null : query;
    this.name = this.query ? name : null;
    this.reload();
  }

  clear(): void {
    this.show(everything);
  }

  /** Reads again what may have changed. */
  reload(): void {
    if (this.query) void this.found.reload();
  }

  async readViews(): Promise<void> {
    this.views = await this.#host.call("saved_views", null);
  }

  async save(name: string, query: OrdersQuery): Promise<void> {
    this.views = await this.#host.call("save_view", { name, query });
  }

  async remove(name: string): Promise<void> {
    this.views = await this.#host.call("remove_view", { name });
    if (this.name === name) this.name = null;
  }
}
