import { beforeEach, describe, expect, it } from "vitest";

import { card, type FakeHost, openHost, settled } from "../host/fake";
import { Desk } from "./desk.svelte";
import { everything } from "./filtering.svelte";

let host: FakeHost;
let desk: Desk;
const late = { ...everything, flags: ["late" as const] };

beforeEach(async () => {
  host = openHost()
    .answer("find_orders", () => ({ rows: [{ card: card("7"), item: null }], total: 1 }))
    .answer("saved_views", () => [])
    .answer("save_view", ({ name, query }) => [{ name, query, saved_by: "Noor" }])
    .answer("remove_view", () => []);
  desk = new Desk(host);
  desk.start();
  await settled();
});

describe("a filter", () => {
  it("shows what answers it, and reads it again when something changed", async () => {
    desk.filtering.show(late, "Hurry");
    await settled();
    expect(desk.filtering.found.value?.total).toBe(1);
    host.tell({ type: "orders", order_ids: ["7"] });
    await settled();
    expect(host.asked("find_orders")).toEqual([late, late]);
  });

  it("that asks for nothing is none", async () => {
    desk.filtering.show({ ...everything, text: "  " }, "Everything");
    await settled();
    expect([desk.filtering.query, desk.filtering.name, host.asked("find_orders")]).toEqual([null, null, []]);
  });

  it("of one desk does not hold at another", async () => {
    desk.filtering.show(late);
    host.tell({ type: "session", session: { ...desk.session!, desk: { ...desk.session!.desk!, desk_id: "other" } } });
    await settled();
    expect(desk.filtering.query).toBeNull();
  });

  it("is saved under a name, which is forgotten with the view", async () => {
    desk.filtering.show(late);
    await desk.filtering.save("Hurry", late);
    desk.filtering.show(late, "Hurry");
    expect(desk.filtering.views.map((view) => view.name)).toEqual(["Hurry"]);
    await desk.filtering.remove("Hurry");
    expect([desk.filtering.views, desk.filtering.name, desk.filtering.query]).toEqual([[], null, late]);
  });
});
