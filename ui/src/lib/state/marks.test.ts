import { beforeEach, describe, expect, it } from "vitest";

import { type FakeHost, openHost } from "../host/fake";
import { Desk } from "./desk.svelte";

let host: FakeHost;
let desk: Desk;

beforeEach(async () => {
  host = openHost();
  desk = new Desk(host);
  await desk.readSession();
});

describe("orders that are marked", () => {
  it("are accepted at once and marked no more", async () => {
    host.answer("accept_orders", ({ order_ids }) => ({ done: order_ids, left: [] }));
    desk.marks.toggle("7");
    desk.marks.toggle("8");
    await desk.marks.accept();
    expect(host.asked("accept_orders")).toEqual([{ order_ids: ["7", "8"] }]);
    expect([desk.marks.size, desk.problem]).toEqual([0, null]);
  });

  it("stay marked where something stands against it, which is told", async () => {
    const error = { code: "already_decided", message: "Sam accepted it at 14:05", hint: null, retryable: false };
    host.answer("accept_orders", () => ({ done: ["1006471"], left: [{ order_id: "1006472", error }] }));
    desk.marks.toggleAll(["1006471", "1006472"]);
    await desk.marks.accept();
    expect([...desk.marks.ids]).toEqual(["1006472"]);
    expect(desk.problem?.message).toBe("1 of 2 orders were not accepted. 6472: Sam accepted it at 14:05");
  });

  it("are all marked by one key, and none by the same key again", () => {
    desk.marks.toggleAll(["1", "2"]);
    expect([...desk.marks.ids]).toEqual(["1", "2"]);
    desk.marks.toggleAll(["1", "2"]);
    expect(desk.marks.size).toBe(0);
  });

  it("ask for nothing while there are none", async () => {
    await desk.marks.print();
    expect(host.asked("print_orders")).toEqual([]);
  });
});
