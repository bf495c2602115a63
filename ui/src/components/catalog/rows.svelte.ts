import { SvelteMap } from "svelte/reactivity";

import type { CallError } from "../../lib/host/host";
import { pagesOf } from "../../lib/logic/rows";
import type { ItemPage, ItemQuery, ItemView } from "../../lib/rpc/generated";
import { asCallError } from "../../lib/state/live.svelte";

export const PAGE = 100;
/** A search counts no further. */
export const COUNTED = 1000;
/** Pages that are kept beside those in sight. */
const KEPT = 40;

/**
 * The catalog's rows, read in pages as they come into sight. One reading is under way at a time and the newest wish is
 * read next; an answer to an older text is thrown away. The current row stays on its item when rows come or go.
 */
export class ItemRows {
  /** The text that the rows answer; `null` before the first answer. */
  text: string | null = $state(null);
  total: number | null = $state(null);
  /** Items in the whole catalog. */
  all: number | null = $state(null);
  error: CallError | null = $state.raw(null);
  current = $state(0);
  readonly #pages = new SvelteMap<number, ItemView[]>();
  readonly #call: (query: ItemQuery) => Promise<ItemPage>;
  #stale = new Set<number>();
  #allStale = true;
  #wanted = { first: 0, end: 1 };
  #asked = "";
  #currentId: string | null = null;
  #reading = false;

  constructor(call: (query: ItemQuery) => Promise<ItemPage>) {
    this.#call = call;
  }

  item(index: number): ItemView | undefined {
    return this.#pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /** Looks for another text. The rows before stay until it is answered. */
  async ask(text: string): Promise<void> {
    this.#asked = text.trim();
    await this.#readOn();
  }

  /** These rows are in sight. */
  async want(first: number, end: number): Promise<void> {
    this.#wanted = { first, end };
    await this.#readOn();
  }

  /** Reads again what is in sight; what is not is read when it comes into sight. */
  async refresh(): Promise<void> {
    this.#stale = new Set(this.#pages.keys());
    this.#allStale = true;
    await this.#readOn();
  }

  select(index: number): void {
    this.current = Math.max(0, Math.min(index, (this.total ?? 1) - 1));
    this.#currentId = this.item(this.current)?.item_id ?? null;
  }

  async #readOn(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    try {
      for (let query = this.#next(); query; query = this.#next()) await this.#read(query);
      this.error = null;
    } catch (error) {
      this.error = asCallError(error);
    } finally {
      this.#reading = false;
    }
  }

  /** What to read next. */
  #next(): ItemQuery | null {
    if (this.#asked !== this.text) return { text: this.#asked, offset: 0, limit: PAGE };
    const end = Math.min(this.#wanted.end, this.total ?? 0);
    const pages = pagesOf(this.#wanted.first, end, PAGE);
    // The current row may be out of sight; its page is needed to keep it on its item.
    if ((this.total ?? 0) > 0) pages.push(Math.floor(this.current / PAGE));
    // A list that was empty is read again from its start.
    else if (this.#stale.size > 0) pages.push(0);
    const page = pages.find((one) => !this.#pages.has(one) || this.#stale.has(one));
    if (page !== undefined) return { text: this.#asked, offset: page * PAGE, limit: PAGE };
    return this.#allStale && this.#asked !== "" ? { text: "", offset: 0, limit: 1 } : null;
  }

  async #read(query: ItemQuery): Promise<void> {
    const answer = await this.#call(query);
    if (query.text === "") {
      this.all = answer.total;
      this.#allStale = false;
    }
    const isCount = query.limit < PAGE;
    if (isCount || query.text !== this.#asked) return;
    if (this.text !== query.text) this.#begin(query.text, answer);
    this.#take(query.offset / PAGE, answer);
  }

  /** The first answer to a new text: the current row is the item whose barcode it is, else the best match. */
  #begin(text: string, answer: ItemPage): void {
    this.text = text;
    this.#pages.clear();
    this.#stale.clear();
    this.#wanted = { first: 0, end: 1 };
    this.current = Math.max(0, answer.items.findIndex((item) => item.barcode === text));
    this.#currentId = answer.items[this.current]?.item_id ?? null;
  }

  #take(page: number, answer: ItemPage): void {
    this.total = answer.total;
    this.#pages.set(page, answer.items);
    this.#stale.delete(page);
    this.#forgetFarPages(page);
    const moved = answer.items.findIndex((item) => item.item_id === this.#currentId);
    if (moved >= 0) this.current = page * PAGE + moved;
    if (this.current >= answer.total) this.current = Math.max(0, answer.total - 1);
    this.#currentId = this.item(this.current)?.item_id ?? this.#currentId;
  }

  #forgetFarPages(near: number): void {
    const kept = new Set(pagesOf(this.#wanted.first, this.#wanted.end, PAGE)).add(Math.floor(this.current / PAGE)).add(near);
    const others = [...this.#pages.keys()].filter((page) => !kept.has(page));
    others.sort((a, b) => Math.abs(a - near) - Math.abs(b - near));
    for (const page of others.slice(KEPT)) this.#pages.delete(page);
  }
}
