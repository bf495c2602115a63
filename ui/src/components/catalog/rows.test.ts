import { describe, expect, it } from "vitest";

import type { ItemPage, ItemQuery, ItemView } from "../../lib/rpc/generated";
import { ItemRows, PAGE } from "./rows.svelte";

const item = (id: number): ItemView => ({
  item_id: String(id),
  barcode: String(2_000_000_000_000 + id),
  name: `Item ${id}`,
  category: null,
  unit_price: "1.00",
  availability: "available",
  available_until: null,
  version: 1,
  sync: null,
});

/** A catalog that answers when it is told to. */
class Catalog {
  ids: number[];
  asked: ItemQuery[] = [];
  #open: (() => void)[] = [];
  held = false;

  constructor(count: number) {
    this.ids = Array.from({ length: count }, (_, at) => at + 1);
  }

  call = async (query: ItemQuery): Promise<ItemPage> => {
    this.asked.push(query);
    if (this.held) await new Promise<void>((go) => this.#open.push(go));
    const found = this.ids.map(item).filter((one) => one.name.includes(query.text) || one.barcode === query.text);
    return { items: found.slice(query.offset, query.offset + query.limit), total: found.length, offset: query.offset };
  };

  answer(): void {
    this.#open.splice(0).forEach((go) => go());
  }
}

const settled = () => new Promise((done) => setTimeout(done));

describe("the catalog's rows", () => {
  it("are read in pages as they come into sight, each once", async () => {
    const catalog = new Catalog(1_000);
    const rows = new ItemRows(catalog.call);
    await rows.ask("");
    await rows.want(0, 20);
    await rows.want(195, 215);
    await rows.want(0, 20);
    expect(catalog.asked.map((query) => query.offset)).toEqual([0, PAGE, 2 * PAGE]);
    expect(rows.total).toBe(1_000);
    expect(rows.item(205)?.item_id).toBe("206");
    expect(rows.item(305)).toBeUndefined();
  });

  it("answer the newest text; answers to older ones are thrown away", async () => {
    const catalog = new Catalog(300);
    const rows = new ItemRows(catalog.call);
    await rows.ask("");
    catalog.held = true;
    const first = rows.ask("Item 1");
    void rows.ask("Item 12");
    void rows.ask("Item 123");
    catalog.answer();
    await settled();
    expect(rows.text).toBe("");
    catalog.answer();
    await first;
    expect(catalog.asked.map((query) => query.text)).toEqual(["", "Item 1", "Item 123"]);
    expect([rows.text, rows.total, rows.all]).toEqual(["Item 123", 1, 300]);
  });

  it("begin at the item whose barcode was scanned", async () => {
    const catalog = new Catalog(300);
    const rows = new ItemRows(catalog.call);
    await rows.ask("2000000000123");
    expect(rows.item(rows.current)?.item_id).toBe("123");
  });

  it("keep the current row on its item when rows come before it", async () => {
    const catalog = new Catalog(50);
    const rows = new ItemRows(catalog.call);
    await rows.ask("");
    rows.select(10);
    catalog.ids = [901, 902, ...catalog.ids];
    await rows.refresh();
    expect(rows.item(rows.current)?.item_id).toBe("11");
    expect(rows.current).toBe(12);
  });

  it("keep the current row in its place when its item is gone", async () => {
    const catalog = new Catalog(5);
    const rows = new ItemRows(catalog.call);
    await rows.ask("");
    rows.select(4);
    catalog.ids = [1, 2, 3];
    await rows.refresh();
    expect(rows.current).toBe(2);
    expect(rows.total).toBe(3);
  });

  it("stay where they are when a row far from the start is chosen and the start is read again", async () => {
    const catalog = new Catalog(1_000);
    const rows = new ItemRows(catalog.call);
    await rows.ask("");
    rows.select(777);
    await rows.want(0, 20);
    await rows.refresh();
    expect(rows.current).toBe(777);
    expect(rows.item(777)?.item_id).toBe("778");
  });

  it("appear by themselves once an empty catalog has some", async () => {
    const catalog = new Catalog(0);
    const rows = new ItemRows(catalog.call);
    await rows.ask("");
    expect(rows.total).toBe(0);
    catalog.ids = [1, 2];
    await rows.refresh();
    expect(rows.total).toBe(2);
    expect(rows.item(1)?.item_id).toBe("2");
  });

  it("say what stood against reading them and are read again later", async () => {
    let broken = true;
    const catalog = new Catalog(3);
    const rows = new ItemRows((query) => (broken ? Promise.reject(new Error("disk")) : catalog.call(query)));
    await rows.ask("");
    expect(rows.error?.message).toContain("disk");
    broken = false;
    await rows.refresh();
    expect(rows.error).toBeNull();
    expect(rows.total).toBe(3);
  });
});
