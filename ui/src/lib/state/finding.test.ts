import { beforeEach, describe, expect, it } from "vitest";

import { card, FakeHost, firstRunSession, held, openHost, settled } from "../host/fake";
import type { OrderCard } from "../rpc/generated";
import { Desk } from "./desk.svelte";
import { Finding } from "./finding.svelte";

let host: FakeHost;
let desk: Desk;
let finding: Finding;

beforeEach(async () => {
  host = openHost().answer("find_orders", () => [card("7"), card("8")]);
  desk = new Desk(host);
  await desk.readSession();
  finding = new Finding(desk);
});

describe("finding", () => {
  it("an order by what is typed, and opening it with Enter", async () => {
    finding.text = "Maria";
    await finding.find();
    expect(host.asked("find_orders")).toEqual([{ text: "Maria" }]);
    finding.move(1);
    finding.enter();
    expect([desk.selected, desk.screen, finding.text, finding.orders]).toEqual(["8", "orders", "", []]);
  });

  it("walks from the last order to the first and back", async () => {
    finding.text = "a";
    await finding.find();
    finding.move(-1);
    expect(finding.chosen).toBe(1);
    finding.move(1);
    expect(finding.chosen).toBe(0);
  });

  it("shows the answer to the newest text, whichever comes first", async () => {
    const answers: ReturnType<typeof held<OrderCard[]>>[] = [];
    host.answer("find_orders", () => {
      const one = held<OrderCard[]>();
      answers.push(one);
      return one.promise;
    });
    finding.text = "1";
    void finding.find();
    finding.text = "12";
    void finding.find();
    answers[1]?.answer([card("12")]);
    await settled();
    answers[0]?.answer([card("1"), card("12")]);
    await settled();
    expect(finding.orders.map((order) => order.order_id)).toEqual(["12"]);
  });

  it("shows no answer to a text that was cleared", async () => {
    const answer = held<OrderCard[]>();
    host.answer("find_orders", () => answer.promise);
    finding.text = "1";
    void finding.find();
    finding.clear();
    answer.answer([card("1")]);
    await settled();
    expect(finding.orders).toEqual([]);
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
    host.answer("find_orders", () => []);
    finding.text = "milk";
    await finding.find();
    finding.enter();
    expect([desk.screen, finding.text]).toEqual(["catalog", "milk"]);
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
