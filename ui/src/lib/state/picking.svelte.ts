import { play } from "../host/tones";
import { neighbour } from "../logic/list";
import type { LineState, LineView, OrderDetail, ScannedLine, ScanOutcome } from "../rpc/generated";
import type { Desk } from "./desk.svelte";

/** A scan by which nothing was found. */
type Missed = ScannedLine & { outcome: Exclude<ScanOutcome, "found"> };

interface Said {
  /** The item in the basket instead. */
  substitute?: string | null;
  /** The line stays the one that keys act on. */
  stays?: boolean;
}

/** Picking of the order that is open: which line keys act on, and what was scanned. For one component's lifetime. */
export class Picking {
  /** What was scanned last, where nothing was found by it. */
  scanned: Missed | null = $state.raw(null);
  #at: { order: string; item: string } | null = $state.raw(null);
  readonly #desk: Desk;
  readonly #order: () => OrderDetail | null;

  constructor(desk: Desk, order: () => OrderDetail | null) {
    this.#desk = desk;
    this.#order = order;
    // It begins at the first line to pick; later nothing moves by itself.
    $effect(() => {
      const picked = this.#picked;
      if (!picked || this.#at?.order === picked.order_id) return;
      const first = picked.lines.find((line) => line.state === "to_pick") ?? picked.lines[0];
      if (first) this.choose(first.item_id);
      this.scanned = null;
    });
  }

  /** The order, while it is being picked. */
  get #picked(): OrderDetail | null {
    const order = this.#order();
    return order?.status === "running" ? order : null;
  }

  /** The line that keys act on; none of an order that is not being picked. */
  get line(): LineView | null {
    const picked = this.#picked;
    if (picked === null || this.#at?.order !== picked.order_id) return null;
    return picked.lines.find((line) => line.item_id === this.#at?.item) ?? null;
  }

  choose(itemId: string): void {
    const picked = this.#picked;
    if (picked) this.#at = { order: picked.order_id, item: itemId };
  }

  move(step: 1 | -1): void {
    const lines = this.#picked?.lines.map((line) => line.item_id) ?? [];
    const to = neighbour(lines, this.line?.item_id ?? null, step);
    if (to !== null) this.choose(to);
  }

  /** On to the next line that is to pick, from the one here on and round; stays where there is none. */
  next(): void {
    const lines = this.#picked?.lines ?? [];
    const at = lines.findIndex((line) => line.item_id === this.#at?.item);
    const round = [...lines.slice(at + 1), ...lines.slice(0, Math.max(at, 0))];
    const to = round.find((line) => line.state === "to_pick");
    if (to) this.choose(to.item_id);
  }

  /** Says where the line is; on to the next one, unless it is not taken or `stays`. */
  async set(state: LineState, { substitute = null, stays = false }: Said = {}): Promise<boolean> {
    const [picked, line] = [this.#picked, this.line];
    if (picked === null || line === null) return false;
    const params = { order_id: picked.order_id, item_id: line.item_id, state, substitute };
    // What is so already needs no act, and keeps the weight that was said of it.
    const isSo = line.state === state && line.substitute === substitute;
    const act = async () => isSo || this.#desk.act("set_line", params, picked.display_no);
    return stays ? act() : this.#act(line, act);
  }

  /** Says how much of the line is in the basket; stays there, since what was typed may not be taken. */
  async pick(quantity: string): Promise<boolean> {
    const [picked, line] = [this.#picked, this.line];
    if (picked === null || line === null) return false;
    const params = { order_id: picked.order_id, item_id: line.item_id, quantity };
    this.scanned = null;
    return this.#desk.act("pick_quantity", params, picked.display_no);
  }

  /** Moves on at once, so that the next key is the next line's. */
  async #act(line: LineView, act: () => Promise<boolean>): Promise<boolean> {
    this.scanned = null;
    this.next();
    const moved = this.#at;
    const done = await act();
    if (!done && this.#at === moved) this.choose(line.item_id);
    return done;
  }

  /** A scanned code: its line is found, or it is told what else it is. */
  async scan(code: string): Promise<void> {
    const picked = this.#picked;
    if (picked === null) return;
    try {
      const scanned = await this.#desk.host.call("scan_line", { order_id: picked.order_id, code });
      const { outcome } = scanned;
      play(outcome === "found" ? "found" : "wrong");
      if (picked.order_id !== this.#picked?.order_id) return;
      this.scanned = outcome === "found" ? null : { ...scanned, outcome };
      if (scanned.item_id !== null && outcome !== "not_ordered") this.choose(scanned.item_id);
    } catch (error) {
      play("wrong");
      this.#desk.tell(error);
    }
  }
}
