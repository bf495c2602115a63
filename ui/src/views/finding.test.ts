import { mount, unmount } from "svelte";
import { afterEach, describe, expect, it } from "vitest";

import "../lib/host/jsdom";
import App from "../App.svelte";
import { card, emptyQueue, type FakeHost, openHost, order, receipt } from "../lib/host/fake";
import { press, shown, type } from "../lib/host/shown";
import type { NamedQuery } from "../lib/rpc/generated";
import { everything } from "../lib/state/filtering.svelte";

let app: Record<string, unknown>;

afterEach(() => unmount(app));

const text = (css: string) => document.querySelector(css)?.textContent ?? "";
const rows = (css: string) => [...document.querySelectorAll<HTMLElement>(css)];
const field = (css: string) => document.querySelector<HTMLInputElement>(css);
const tick = (label: string) =>
  rows("fieldset label").find((one) => one.textContent?.includes(label))?.querySelector<HTMLInputElement>("input")?.click();

async function desk(): Promise<FakeHost> {
  let saved: NamedQuery[] = [{ name: "Hurry", query: { ...everything, flags: ["late"] }, saved_by: "Sam" }];
  const host = openHost()
    .answer("orders", () => ({ ...emptyQueue, new: [card("1006472"), card("1006949")] }))
    .answer("order", ({ order_id }) => order({ order_id, display_no: order_id.slice(-4) }))
    .answer("find_orders", () => ({ rows: [{ card: card("1006949"), item: "Whole milk" }], total: 1 }))
    .answer("items", () => ({ items: [], total: 0, offset: 0 }))
    .answer("saved_views", () => saved)
    .answer("save_view", ({ name, query }) => (saved = [...saved, { name, query, saved_by: "Noor" }]))
    .answer("remove_view", ({ name }) => (saved = saved.filter((view) => view.name !== name)))
    .answer("accept_order", () => receipt(5000));
  app = mount(App, { target: document.body, props: { host } });
  await shown();
  return host;
}

describe("a filter of the orders", () => {
  it("is asked for by key, put together by keys alone, and shows what answers it", async () => {
    const host = await desk();
    await press("v");
    expect(text(".sheet h3")).toBe("Which orders");
    await type(field("input[maxlength='200']"), "milk");
    tick("Late");
    await shown();
    await press("Enter");
    expect(host.asked("find_orders").at(-1)).toEqual({ ...everything, text: "milk", flags: ["late"] });
    expect(rows("[role=listbox] [role=option]").map((row) => row.dataset["key"])).toEqual(["1006949"]);
    expect(text("[role=listbox] [role=option]")).toContain("with Whole milk");
  });

  it("never hides that other new orders wait", async () => {
    await desk();
    await press("v");
    await press("Enter");
    expect(rows("[role=option]").length).toBe(2);
    await press("v");
    tick("Late");
    await shown();
    await press("Enter");
    expect(document.body.textContent).toContain("1 new order waits and is not in this view.");
  });

  it("is left with Esc", async () => {
    await desk();
    await press("v");
    tick("Late");
    await shown();
    await press("Enter");
    await press("Escape");
    expect(rows("[role=option]").length).toBe(2);
  });

  it("is saved under a name and removed again", async () => {
    const host = await desk();
    await press("v");
    tick("Not sent");
    await shown();
    await press("F2");
    await type(field("input[maxlength='40']"), "To send");
    await press("Enter");
    expect(host.asked("save_view")).toEqual([{ name: "To send", query: { ...everything, flags: ["unsent"] } }]);
    expect(document.body.textContent).toContain("To send");
    await press("v");
    rows(".view")[0]?.click();
    await shown();
    expect(host.asked("find_orders").at(-1)).toEqual({ ...everything, flags: ["late"] });
    await press("v");
    rows(".remove")[0]?.click();
    await shown();
    expect(host.asked("remove_view")).toEqual([{ name: "Hurry" }]);
  });

  it("whose name is refused says why and keeps what was chosen", async () => {
    const host = await desk();
    host.refuse("save_view", { code: "bad_value", message: "a view's name has 1 to 40 characters" });
    await press("v");
    tick("Late");
    await shown();
    await press("F2");
    await press("Enter");
    expect(text(".sheet [role=alert]")).toContain("1 to 40 characters");
  });
});

describe("the palette", () => {
  const entries = () => rows("#what .entry").map((row) => row.textContent ?? "");

  it("lists what can be done with the open order, with its key, and does it", async () => {
    const host = await desk();
    await press("Ctrl k");
    expect(entries()[0]).toContain("Accept 6472");
    expect(entries().some((one) => one.includes("Approve the payment"))).toBe(false);
    await type(field("[data-testid=palette] input"), "accept 6472");
    await press("Enter");
    expect(host.asked("accept_order")).toEqual([{ order_id: "1006472" }]);
    expect(document.querySelector("[data-testid=palette]")).toBeNull();
  });

  it("goes to screens and shows saved views", async () => {
    const host = await desk();
    await press("Ctrl k");
    await type(field("[data-testid=palette] input"), "hurry");
    await press("Enter");
    expect(host.asked("find_orders").at(-1)).toEqual({ ...everything, flags: ["late"] });
    await press("Ctrl k");
    await type(field("[data-testid=palette] input"), "go to sync");
    await press("Enter");
    expect(text("[aria-current=page]")).toContain("Sync");
  });

  it("opens an order that fits what is typed", async () => {
    await desk();
    await press("Ctrl k");
    await type(field("[data-testid=palette] input"), "whole milk zzz");
    await shown();
    await press("Enter");
    expect(text("[data-testid=order] h2")).toContain("6949");
  });

  it("says so when nothing fits", async () => {
    const host = await desk();
    host.answer("find_orders", () => ({ rows: [], total: 0 }));
    await press("Ctrl k");
    await type(field("[data-testid=palette] input"), "zzzz");
    expect(text("[data-testid=palette] .none")).toBe("Nothing fits.");
  });
});
