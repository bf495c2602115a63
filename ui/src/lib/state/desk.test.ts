import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import {
  card,
  deskSession,
  emptyQueue,
  FakeHost,
  firstRunSession,
  held,
  openHost,
  quietStatus,
  refusal,
  settled,
} from "../host/fake";
import type { ActReceipt, Session, StatusView } from "../rpc/generated";
import { Desk } from "./desk.svelte";

let end: () => void = () => {};
afterEach(() => end());

async function open(host: FakeHost): Promise<Desk> {
  const desk = new Desk(host);
  end = desk.start();
  await settled();
  return desk;
}

const receipt = (holdMs: number): ActReceipt => ({
  change_id: "c-1",
  state: "saved",
  subject: "order/7",
  undo: { change_id: "c-1", text: "Accepted", hold_ms: holdMs },
});

describe("a desk", () => {
  it("reads what it shows as soon as a store is open", async () => {
    const host = openHost().answer("orders", () => ({ ...emptyQueue, new: [card("7")] }));
    const desk = await open(host);
    expect([desk.isOpen, desk.status, desk.queue.value?.new.length]).toEqual([true, quietStatus, 1]);
    expect([desk.zone, desk.currency]).toEqual(["Europe/Berlin", "USD"]);
  });

  it("of a first run asks for nothing that only an open desk has", async () => {
    const host = new FakeHost().answer("session", () => firstRunSession);
    const desk = await open(host);
    expect([desk.isOpen, desk.failure]).toEqual([false, null]);
    expect(host.calls.map((call) => call.method)).toEqual(["session"]);
  });

  it("that cannot be opened says why, until it can", async () => {
    const host = new FakeHost().refuse("session", { code: "db_damaged" });
    const desk = await open(host);
    expect([desk.isOpen, desk.failure?.code]).toEqual([false, "db_damaged"]);
    host.answer("session", () => firstRunSession);
    await desk.readSession();
    expect(desk.failure).toBeNull();
  });

  it("keeps what the shell told while an older answer was on its way", async () => {
    const session = held<Session>();
    const status = held<StatusView>();
    const host = openHost().answer("session", () => session.promise).answer("status", () => status.promise);
    const desk = await open(host);
    const named = deskSession();
    if (named.store) named.store.name = "Named by central";
    host.tell({ type: "session", session: named });
    host.tell({ type: "status", status: { ...quietStatus, received_today: 3 } });
    session.answer(deskSession());
    status.answer(quietStatus);
    await settled();
    expect([desk.session?.store?.name, desk.status?.received_today]).toEqual(["Named by central", 3]);
  });

  it("stops to listen when the page goes", async () => {
    const host = openHost();
    await open(host);
    end();
    expect(host.isHeard).toBe(false);
  });

  it("counts time by central's clock", async () => {
    const desk = await open(openHost().answer("status", () => ({ ...quietStatus, clock_offset_ms: -60_000 })));
    expect(desk.now).toBe(desk.wall - 60_000);
  });
});

describe("what is told", () => {
  it("of orders is read again, the queue and the payments", async () => {
    const host = openHost();
    const desk = await open(host);
    const before = desk.revision.orders;
    host.tell({ type: "orders", order_ids: ["7"] });
    await settled();
    expect([host.asked("orders").length, host.asked("payments").length]).toEqual([2, 2]);
    expect(desk.revision.orders).toBe(before + 1);
  });

  it("as figures is shown without asking", async () => {
    const host = openHost();
    const desk = await open(host);
    host.tell({ type: "status", status: { ...quietStatus, missed_pushes: 3 } });
    expect(desk.status?.missed_pushes).toBe(3);
    expect(host.asked("status").length).toBe(1);
  });

  it("while nobody heard it is made up for when the line to the program stands again", async () => {
    const host = openHost();
    const desk = await open(host);
    host.hearing("down");
    expect(desk.hearing).toBe("down");
    host.hearing("up");
    await settled();
    expect([desk.hearing, host.asked("session").length, host.asked("orders").length]).toEqual(["up", 2, 2]);
  });

  it("of another desk leaves nothing of the one before on the page", async () => {
    const host = openHost(true).answer("orders", () => ({ ...emptyQueue, new: [card("7")] }));
    const desk = await open(host);
    desk.open("7");
    desk.screen = "settings";
    host.tell({ type: "session", session: firstRunSession });
    expect([desk.isOpen, desk.selected, desk.status, desk.queue.value, desk.screen]).toEqual([
      false,
      null,
      null,
      null,
      "orders",
    ]);
    host.answer("orders", () => emptyQueue);
    host.tell({ type: "session", session: deskSession(false, "desk-2") });
    await settled();
    expect([desk.isOpen, desk.queue.value?.new.length]).toEqual([true, 0]);
  });

  it("of the same desk anew leaves the order and the screen alone", async () => {
    const host = openHost();
    const desk = await open(host);
    desk.open("7");
    desk.screen = "catalog";
    host.tell({ type: "session", session: deskSession() });
    expect([desk.selected, desk.screen]).toEqual(["7", "catalog"]);
  });
});

describe("an act", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["performance", "setInterval", "clearInterval", "Date"] }));
  afterEach(() => vi.useRealTimers());

  it("can be taken back while its bar shrinks, and no longer", async () => {
    const desk = await open(openHost().answer("accept_order", () => receipt(5000)));
    expect(await desk.act("accept_order", { order_id: "7" }, "Order 7")).toBe(true);
    expect(desk.held).toMatchObject({ changeId: "c-1", subject: "order/7", holdMs: 5000 });
    vi.advanceTimersByTime(4700);
    expect(desk.held).not.toBeNull();
    vi.advanceTimersByTime(600);
    expect(desk.held).toBeNull();
  });

  it("that is not held shows no bar, and ends the one before it", async () => {
    const host = openHost().answer("accept_order", () => receipt(5000));
    const desk = await open(host);
    await desk.act("accept_order", { order_id: "7" }, "Order 7");
    host.answer("accept_order", () => receipt(0));
    await desk.act("accept_order", { order_id: "8" }, "Order 8");
    expect(desk.held).toBeNull();
  });

  it("that is refused says why, until the next one", async () => {
    const host = openHost().refuse("accept_order", { code: "already_decided" });
    const desk = await open(host);
    expect(await desk.act("accept_order", { order_id: "7" }, "Order 7")).toBe(false);
    expect(desk.problem?.code).toBe("already_decided");
    host.answer("accept_order", () => receipt(5000));
    await desk.act("accept_order", { order_id: "7" }, "Order 7");
    expect(desk.problem).toBeNull();
  });

  it("is taken back by its number, or the newest where none is named", async () => {
    const host = openHost()
      .answer("accept_order", () => receipt(5000))
      .answer("undo", () => receipt(0));
    const desk = await open(host);
    await desk.undo(null);
    await desk.act("accept_order", { order_id: "7" }, "Order 7");
    await desk.undo(null);
    expect(host.asked("undo")).toEqual([{ change_id: null }, { change_id: "c-1" }]);
    expect(desk.held).toBeNull();
  });

  it("whose undo comes too late stays, with the reason", async () => {
    const host = openHost().answer("accept_order", () => receipt(5000)).refuse("undo", { code: "numbered" });
    const desk = await open(host);
    await desk.act("accept_order", { order_id: "7" }, "Order 7");
    expect(await desk.undo(null)).toBe(false);
    expect([desk.problem?.code, desk.held?.changeId]).toEqual(["numbered", "c-1"]);
  });
});

describe("Seen", () => {
  it("opens and acknowledges what must stop before what is new", async () => {
    const queue = { ...emptyQueue, stop: [card("9", true)], new: [card("7", true)] };
    const host = openHost().answer("orders", () => queue).answer("acknowledge", () => quietStatus.waiting);
    const desk = await open(host);
    desk.screen = "catalog";
    await desk.seen();
    expect([desk.selected, desk.screen, host.asked("acknowledge")]).toEqual(["9", "orders", [{ order_id: "9" }]]);
  });

  it("does nothing when all has been heard", async () => {
    const host = openHost().answer("orders", () => ({ ...emptyQueue, new: [card("7")] }));
    const desk = await open(host);
    await desk.seen();
    expect([desk.selected, host.asked("acknowledge")]).toEqual([null, []]);
  });
});

it("a command that answers nothing tells only what stands against it", async () => {
  const host = openHost().answer("send_now", () => null);
  const desk = await open(host);
  desk.sendNow();
  await settled();
  expect(desk.problem).toBeNull();
  host.answer("send_now", () => Promise.reject(refusal({ code: "timed_out" })));
  desk.sendNow();
  await settled();
  expect(desk.problem?.code).toBe("timed_out");
});
