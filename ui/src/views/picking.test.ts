import { mount, unmount } from "svelte";
import { afterEach, describe, expect, it } from "vitest";

import "../lib/host/jsdom";
import App from "../App.svelte";
import { card, emptyQueue, type FakeHost, line, openHost, order, receipt } from "../lib/host/fake";
import { press, shown } from "../lib/host/shown";
import type { LineView, OrderDetail, Replacements, ScannedLine } from "../lib/rpc/generated";

let app: Record<string, unknown>;

afterEach(() => unmount(app));

const text = (css: string) => document.querySelector(css)?.textContent ?? "";
const current = () => document.querySelector<HTMLElement>("tr[aria-current]")?.dataset["line"];
const button = (words: string) =>
  [...document.querySelectorAll("button")].find((one) => one.textContent?.includes(words));

const basket = () => [line("1", "Cheese"), line("2", "Corn", { quantity: "4" }), line("3", "Apples", { unit: "kg" })];

/** A desk whose order is being picked; what is said of its lines shows as the program would answer it. */
async function pickingDesk(changes: Partial<OrderDetail> = {}): Promise<FakeHost> {
  const lines = changes.lines ?? basket();
  const set = (item: string, own: Partial<LineView>) =>
    lines.splice(lines.findIndex((one) => one.item_id === item), 1, {
      ...(lines.find((one) => one.item_id === item) ?? line(item, item)),
      ...own,
    });
  const host = openHost()
    .answer("orders", () => ({ ...emptyQueue, picking: [card("1006472")] }))
    .answer("order", () => order({ status: "running", ...changes, lines: [...lines] }))
    .answer("set_line", ({ item_id, state, substitute }) => {
      set(item_id, { state, substitute });
      return receipt(0);
    })
    .answer("pick_quantity", ({ item_id, quantity }) => {
      set(item_id, { state: "short", picked_quantity: quantity });
      return receipt(0);
    });
  app = mount(App, { target: document.body, props: { host } });
  await shown();
  return host;
}

async function changed(host: FakeHost): Promise<void> {
  host.tell({ type: "orders", order_ids: ["1006472"] });
  await shown();
}

async function scan(host: FakeHost, code: string, answer: Partial<ScannedLine>): Promise<void> {
  host.answer("scan_line", () => ({ outcome: "found", code, item_id: null, name: null, ...answer }));
  for (const key of [...code, "Enter"]) {
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  }
  await shown();
}

const effect = (left: string): Replacements["without"] => ({
  forecast: "27.00",
  left,
  verdict: left.startsWith("-") ? "above" : "inside",
});

const similar: Replacements = {
  wish: "similar",
  replaceable: true,
  choices: [
    {
      item_id: "77",
      name: "Cheddar",
      barcode: null,
      total: "28.88",
      difference: "0.40",
      availability: "available",
      effect: effect("2.45"),
    },
    {
      item_id: "78",
      name: "Gouda",
      barcode: null,
      total: "40.00",
      difference: "11.52",
      availability: "out_of_stock",
      effect: effect("-8.67"),
    },
  ],
  without: effect("31.33"),
};

describe("picking line by line", () => {
  it("begins at the first line to pick, and each found line leads on to the next that is to pick", async () => {
    const host = await pickingDesk({ lines: [line("1", "Cheese", { state: "found" }), ...basket().slice(1)] });
    expect(current()).toBe("2");
    await press("f", "f");
    expect(host.asked("set_line").map((asked) => [asked.item_id, asked.state])).toEqual([
      ["2", "found"],
      ["3", "found"],
    ]);
  });

  it("keys are the line's that arrows chose, and the focus goes with it", async () => {
    const host = await pickingDesk();
    await press("Enter", "ArrowDown", "ArrowDown", "ArrowUp");
    expect(current()).toBe("2");
    expect(document.activeElement?.closest("tr")).toBe(document.querySelector("tr[aria-current]"));
    await press("o");
    expect(host.asked("set_line")).toEqual([
      { order_id: "1006472", item_id: "2", state: "out_of_stock", substitute: null },
    ]);
  });

  it("what comes from central moves neither the line nor the focus", async () => {
    const host = await pickingDesk();
    await press("Enter", "ArrowDown");
    host.answer("order", () => order({ status: "running", lines: [line("0", "New on top"), ...basket()] }));
    await changed(host);
    expect([current(), document.activeElement?.closest("tr")?.dataset["line"]]).toEqual(["2", "2"]);
  });

  it("comes back to a line that is not taken, and says why", async () => {
    const host = await pickingDesk();
    host.refuse("set_line", { code: "changed", message: "the line of item 1 changed in between" });
    await press("f");
    expect(current()).toBe("1");
    expect(text("[role=alert]")).toContain("changed in between");
  });

  it("a line that is found already is passed by, and keeps its weight", async () => {
    const found = { state: "found", unit: "kg", picked_quantity: "0.94" } as const;
    const host = await pickingDesk({ lines: [line("1", "Apples", found), line("2", "Corn"), line("3", "Beans")] });
    await press("Enter", "ArrowUp", "f");
    expect(host.asked("set_line")).toEqual([]);
    expect(current()).toBe("2");
  });

  it("a touch on a line makes it the one that buttons act on", async () => {
    const host = await pickingDesk();
    document.querySelector<HTMLElement>("tr[data-line='3'] .name")?.click();
    await shown();
    button("Out of stock")?.click();
    await shown();
    expect(host.asked("set_line").map((asked) => asked.item_id)).toEqual(["3"]);
  });

  it("keys of picking do nothing on an order that is not picked", async () => {
    const host = await pickingDesk({ status: "new" });
    await press("f", "o", "s", "w");
    expect(host.asked("set_line")).toEqual([]);
    expect(text("aside h3")).toBe("Timeline");
    expect(current()).toBeUndefined();
  });

  it("an order that was paid online is approved once every line has a state", async () => {
    const host = await pickingDesk({ payment_expected: false, lines: [line("1", "Cheese")] });
    host.answer("approve_order", () => receipt(5000));
    expect(button("Approve, paid online")?.disabled).toBe(true);
    expect(document.body.textContent).toContain("1 line to pick first");
    await press("y");
    expect(host.asked("approve_order")).toEqual([]);
    await press("f");
    await changed(host);
    await press("y");
    expect(host.asked("approve_order")).toEqual([{ order_id: "1006472" }]);
  });
});

describe("quantity or weight", () => {
  it("is asked for the line, and Enter in the field says it", async () => {
    const host = await pickingDesk();
    await press("ArrowDown", "Enter", "ArrowDown", "w");
    expect(text("aside")).toContain("Corn");
    expect(text("aside")).toContain("4 ordered");
    const field = document.querySelector<HTMLInputElement>("aside input");
    expect(document.activeElement).toBe(field);
    if (field) field.value = "3";
    field?.dispatchEvent(new Event("input", { bubbles: true }));
    await press("Enter");
    expect(host.asked("pick_quantity")).toEqual([{ order_id: "1006472", item_id: "2", quantity: "3" }]);
    expect(text("aside h3")).toBe("Timeline");
    expect(current()).toBe("3");
  });

  it("stays open with what is wrong about it", async () => {
    const host = await pickingDesk();
    host.refuse("pick_quantity", { code: "bad_quantity", message: "40 is more than 10 times the 1" });
    await press("w");
    const field = document.querySelector<HTMLInputElement>("aside input");
    if (field) field.value = "40";
    field?.dispatchEvent(new Event("input", { bubbles: true }));
    await press("Enter");
    expect(text("aside")).toContain("Cheese");
    expect(text("[role=alert]")).toContain("more than 10 times");
    expect(document.querySelector<HTMLInputElement>("aside input")?.value).toBe("40");
  });
});

describe("substituting", () => {
  it("offers what is most like it with what each does to the range, and nothing instead", async () => {
    const host = await pickingDesk();
    host.answer("replacements", () => similar);
    await press("s");
    const shownChoices = [...document.querySelectorAll("aside [role=radio]")].map((one) =>
      one.textContent?.replace(/\s+/g, " "),
    );
    expect(shownChoices[0]).toMatch(/Cheddar 28\.88 \+0\.40, 2\.45 left/);
    expect(shownChoices[1]).toMatch(/Gouda 40\.00 \+11\.52, 8\.67 over the highest, out of stock/);
    expect(shownChoices[2]).toMatch(/No replacement – refund 28\.48, 31\.33 left/);
    await press("Enter");
    expect(host.asked("set_line")).toEqual([
      { order_id: "1006472", item_id: "1", state: "substituted", substitute: "77" },
    ]);
    expect(text("aside h3")).toBe("Timeline");
  });

  it("a replacement that is refused leaves the sheet with what was looked for", async () => {
    const host = await pickingDesk();
    host.answer("replacements", () => similar);
    host.refuse("set_line", { code: "not_wanted", message: "the customer wants it left out" });
    await press("s", "ArrowDown");
    await scan(host, "2000008189804", {});
    await press("Enter");
    expect(text("[role=alert]")).toContain("wants it left out");
    expect(document.querySelector<HTMLInputElement>("aside input")?.value).toBe("2000008189804");
    expect(current()).toBe("1");
  });

  it("out of stock asks at once where the customer takes a similar item, and leaves it out where not", async () => {
    const host = await pickingDesk({ substitution: "similar" });
    host.answer("replacements", () => similar);
    await press("o");
    expect(host.asked("set_line")[0]).toMatchObject({ item_id: "1", state: "out_of_stock" });
    expect(text("aside")).toContain("The customer accepts a similar item");
    await press("ArrowDown", "ArrowDown", "Enter");
    expect(host.asked("set_line").at(-1)).toMatchObject({ item_id: "1", state: "out_of_stock", substitute: null });
  });

  it("another item is found by its name or by a scan, and the key that finds orders finds it here", async () => {
    const host = await pickingDesk();
    const texts: string[] = [];
    host.answer("replacements", ({ text: wanted }) => {
      texts.push(wanted);
      return { ...similar, choices: wanted === "" ? similar.choices : [] };
    });
    await press("s", "/");
    expect(document.activeElement?.closest("aside")).not.toBeNull();
    await press("Escape");
    await scan(host, "2000008189804", {});
    expect(texts.at(-1)).toBe("2000008189804");
    expect(host.asked("scan_line")).toEqual([]);
    expect(text("aside [role=status]")).toContain("Nothing in the catalog fits “2000008189804”");
    await press("Escape");
    expect(text("aside h3")).toBe("Timeline");
  });
});

describe("scanning", () => {
  it("finds the line, which is then the one that keys act on", async () => {
    const host = await pickingDesk();
    await scan(host, "2000008189804", { item_id: "3", name: "Apples" });
    expect(host.asked("scan_line")).toEqual([{ order_id: "1006472", code: "2000008189804" }]);
    expect(current()).toBe("3");
    expect(document.querySelector("[role=alert]")).toBeNull();
  });

  it("of a wrong item says so until the next is right, and changes nothing", async () => {
    const host = await pickingDesk();
    await scan(host, "2000008189804", { outcome: "not_ordered", item_id: "9", name: "Batteries" });
    expect(text("[role=alert]")).toMatch(/Batteries.*not on this order/);
    expect(current()).toBe("1");
    await scan(host, "2000008189811", { outcome: "unknown" });
    expect(text("[role=alert]")).toMatch(/2000008189811.*No item of this store/);
    await scan(host, "2000008189828", { outcome: "again", item_id: "2", name: "Corn" });
    expect(text("[role=alert]")).toMatch(/Corn.*in the basket already/);
    await scan(host, "2000008189835", { item_id: "2", name: "Corn" });
    expect(document.querySelector("[role=alert]")).toBeNull();
  });

  it("while no order is picked goes to the catalog, as everywhere", async () => {
    const host = await pickingDesk({ status: "new" });
    host.answer("items", () => ({ items: [], total: 0, offset: 0 }));
    await scan(host, "2000008189804", {});
    expect(host.asked("scan_line")).toEqual([]);
    expect(host.asked("items").at(-1)).toMatchObject({ text: "2000008189804" });
  });
});
