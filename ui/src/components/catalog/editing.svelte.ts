import { readPrice, type PriceReading } from "../../lib/logic/price";
import type { ItemView, Undo } from "../../lib/rpc/generated";
import type { Desk } from "../../lib/state/desk.svelte";

export type EditField = "unit_price" | "availability";

/** What is typed into a cell of the catalog, and the last edit while it can be taken back. */
export class ItemEditing {
  /** The item whose cell is open. */
  itemId: string | null = $state(null);
  field: EditField = $state("unit_price");
  text = $state("");
  /** Enter was pressed once on an unusual price. */
  asked = $state(false);
  last: { itemId: string; code: string | null; undo: Undo } | null = $state.raw(null);
  readonly #desk: Desk;
  #saving = false;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  begin(item: ItemView, field: EditField): void {
    this.itemId = item.item_id;
    this.field = field;
    this.text = item[field];
    this.asked = false;
  }

  typed(text: string): void {
    this.text = text;
    this.asked = false;
  }

  leave(): void {
    this.itemId = null;
  }

  reading(item: ItemView): PriceReading {
    return readPrice(this.text, item.unit_price);
  }

  /** Keeps what is typed. False while the cell must stay open: unreadable, to be asked twice, or refused. */
  async keep(item: ItemView): Promise<boolean> {
    if (this.#saving) return false;
    const value = this.field === "unit_price" ? this.#priceToKeep(item) : this.text;
    if (value === null) return false;
    if (value !== item[this.field] && !(await this.save(item, this.field, value))) return false;
    this.leave();
    return true;
  }

  #priceToKeep(item: ItemView): string | null {
    const reading = this.reading(item);
    if (reading.kind === "empty" || reading.kind === "wrong") return null;
    if (reading.kind === "same") return item.unit_price;
    if (reading.unusual && !this.asked) {
      this.asked = true;
      return null;
    }
    return reading.value;
  }

  /** Commits one field of an item; what stands against it becomes the desk's problem. */
  async save(item: ItemView, field: EditField, value: string): Promise<boolean> {
    this.#saving = true;
    this.#desk.problem = null;
    try {
      const receipt = await this.#desk.host.call("edit_item", { item_id: item.item_id, fields: { [field]: value } });
      const code = item.barcode?.slice(-4) ?? null;
      this.last = receipt.undo ? { itemId: item.item_id, code, undo: receipt.undo } : null;
      return true;
    } catch (error) {
      this.#desk.tell(error);
      return false;
    } finally {
      this.#saving = false;
    }
  }

  /** Forgets the last edit once it has a number or was taken back. */
  async checkUndo(): Promise<void> {
    const last = this.last;
    if (!last) return;
    try {
      const { history } = await this.#desk.host.call("item", { item_id: last.itemId });
      const state = history.find((entry) => entry.change_id === last.undo.change_id)?.state;
      if (this.last === last && state !== "held" && state !== "ready") this.last = null;
    } catch {
      // Undo answers for itself when the change has left meanwhile.
    }
  }
}
