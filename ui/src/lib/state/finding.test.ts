import { beforeEach, describe, expect, it } from "vitest";

import { card, FakeHost, firstRunSession, held, openHost, settled } from "../host/fake";
import type { FoundOrders } from "../rpc/generated";
import { Desk } from "./desk.svelte";
import { everything } from "./filtering.svelte";
import { Finding } from "./finding.svelte";

const orders = (...ids: string[]): FoundOrders => ({ rows: ids.map((id) => ({ card: card(id), item: null })), total: ids.length });
const withItem = (item: string, ...ids: string[]): FoundOrders => {
  const found = orders(...ids);
  return { ...found, rows: found.rows.map((row) => ({ ...row, item })) };
};
const shown = (finding: Finding) => finding.fitting.map((one) => (one === "items" ? one : one.order.card.order_id));

let host: FakeHost;
let desk: Desk;
let finding: Finding;

beforeEach(async () => {
  host = openHost().answer("find_orders", () => orders("7", "8"));
  desk = new Desk(host);
  await desk.readSession();
  finding = new Finding(desk);
});

describe("finding", () => {
  it("an order by what is typed, and opening it with Enter", async () => {
    finding.text = "Maria";
    await finding.find();
    expect(host.asked("find_orders")).toEqual([{ ...everything, text: "Maria" }]);
    finding.move(1);
    finding.enter();
    expect([desk.selected, desk.screen, finding.text, finding.fitting]).toEqual(["8", "orders", "", []]);
  });

  it("walks from the last to the first and back", async () => {
    finding.text = "a";
    await finding.find();
    finding.move(-1);
    expect(finding.chosen).toBe(2);
    finding.move(1);
    expect(finding.chosen).toBe(0);
  });

  it("shows the answer to the newest text, whichever comes first", async () => {
    const answers: ReturnType<typeof held<FoundOrders>>[] = [];
    host.answer("find_orders", () => {
      const one = held<FoundOrders>();
      answers.push(one);
      return one.promise;
    });
    finding.text = "1";
    void finding.find();
    finding.text = "12";
    void finding.find();
    answers[1]?.answer(orders("12"));
    await settled();
    answers[0]?.answer(orders("1", "12"));
    await settled();
    expect(shown(finding)).toEqual(["12", "items"]);
  });

  it("shows no answer to a text that was cleared", async () => {
    const answer = held<FoundOrders>();
    host.answer("find_orders", () => answer.promise);
    finding.text = "1";
    void finding.find();
    finding.clear();
    answer.answer(orders("1"));
    await settled();
    expect(finding.fitting).toEqual([]);
  });

  it("asks for nothing when nothing is typed", async () => {
    finding.text = "  ";
    await finding.find();
    finding.enter();
    expect([host.asked("find_orders").length, desk.screen]).toEqual([0, "orders"]);
  });

  it("asks for no orders on the catalog, where the text filters items", async () => {
    desk.screen = "catalog";
    finding.text = "milk";
    await finding.find();
    expect(host.asked("find_orders")).toEqual([]);
  });

  it("goes on in the catalog where no order fits", async () => {
    host.answer("find_orders", () => orders());
    finding.text = "milk";
    await finding.find();
    finding.enter();
    expect([desk.screen, finding.text]).toEqual(["catalog", "milk"]);
  });

  it("offers the catalog before the orders that only have such an item", async () => {
    host.answer("find_orders", () => withItem("Whole milk", "5"));
    finding.text = "milk";
    await finding.find();
    expect(shown(finding)).toEqual(["items", "5"]);
    finding.move(1);
    finding.enter();
    expect([desk.selected, desk.screen]).toEqual(["5", "orders"]);
  });

  it("that is refused says why", async () => {
    host.refuse("find_orders", { code: "db_error" });
    finding.text = "1";
    await finding.find();
    expect(desk.problem?.code).toBe("db_error");
  });
});

describe("a scanned code", () => {
  it("is looked for in the catalog", () => {
    finding.scanned("2000000082554");
    expect([desk.screen, finding.text]).toEqual(["catalog", "2000000082554"]);
  });

  it("on the first screen is nothing: there is no catalog yet", async () => {
    const empty = new Desk(new FakeHost().answer("session", () => firstRunSession));
    await empty.readSession();
    const unused = new Finding(empty);
    unused.scanned("2000000082554");
    expect([empty.screen, unused.text]).toEqual(["orders", ""]);
  });
});
