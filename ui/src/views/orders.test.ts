import { mount, unmount } from "svelte";
import { afterEach, describe, expect, it, vi } from "vitest";

import "../lib/host/jsdom";
import App from "../App.svelte";
import { card, deskSession, emptyQueue, type FakeHost, line, member, openHost, order, quietStatus, receipt } from "../lib/host/fake";
import { press, shown, type } from "../lib/host/shown";
import type { OrderDetail, OrderQueue, PaymentView, Session } from "../lib/rpc/generated";

let app: Record<string, unknown>;

afterEach(() => unmount(app));

const text = (css: string) => document.querySelector(css)?.textContent ?? "";
const button = (words: string) =>
  [...document.querySelectorAll("button")].find((one) => one.textContent?.includes(words));

function payment(amount: string, verdict: PaymentView["verdict"]): PaymentView {
  return {
    payment_id: "9",
    order_id: "1006472",
    display_no: "6472",
    store_id: "367",
    amount,
    currency: "USD",
    verdict,
    range: { lo: "19.93", hi: "31.33", version: 1 },
    status: null,
    decide_by: null,
    paid_at: "2017-04-05T11:59:00.000Z",
    sync: null,
    difference: [],
  };
}

const pending = (amount: string, verdict: PaymentView["verdict"]) =>
  order({ status: "pending", payments: [payment(amount, verdict)] });

function session(): Session {
  const own = deskSession();
  const reason = (code: string, needs_lines = false, needs_note = false) => ({ code, needs_lines, needs_note });
  if (own.store) {
    own.store.reasons = {
      reject: [reason("out_of_stock", true), reason("too_busy"), reason("other", false, true)],
      decline: [reason("outside_range"), reason("wrong_order")],
      override: [reason("weighed"), reason("till_price")],
    };
  }
  return own;
}

async function deskWith(detail: OrderDetail): Promise<FakeHost> {
  const queue: OrderQueue = { ...emptyQueue, new: [card("1006472"), card("1006949")] };
  const host = openHost()
    .answer("session", session)
    .answer("orders", () => queue)
    .answer("order", ({ order_id }) => ({ ...detail, order_id, display_no: order_id.slice(-4) }));
  for (const act of ["accept_order", "reject_order", "approve_payment", "decline_payment", "send_back"] as const) {
    host.answer(act, () => receipt(5000));
  }
  host.answer("release", () => null).answer("undo", () => receipt(0)).answer("send_now", () => null);
  app = mount(App, { target: document.body, props: { host } });
  await shown();
  return host;
}

describe("without a line", () => {
  const offline = { ...quietStatus, link: { ...quietStatus.link, state: "store_internet" as const } };

  it("says where one decides what a decision counts for", async () => {
    const host = await deskWith(pending("30.00", "inside"));
    host.tell({ type: "status", status: offline });
    await shown();
    expect(text(".actions .note")).toBe("Offline: saved here; central refuses it if somebody was first or the range changed");
  });

  it("says until when central has to hear of an accept", async () => {
    const host = await deskWith(order({ accept_by: "2017-04-05T12:10:00.000Z" }));
    host.tell({ type: "status", status: offline });
    await shown();
    expect(text(".actions .note")).toMatch(/^Offline: saved here; central ends it at .*14:10 unless it hears of it before$/);
  });
});

describe("a decision that somebody else made first", () => {
  it("is told with who and when, in the place of what could be done", async () => {
    await deskWith(
      order({ status: "confirmed", decision: "rejected", reason: "too_busy", decided_by: "Sam", decided_at: "2017-04-05T09:30:00.000Z" }),
    );
    expect(text("[data-testid=order]")).toContain("by Sam at");
    expect(text("[data-testid=order]")).toContain("Central has confirmed it");
    expect(button("Accept")).toBeUndefined();
  });
});

describe("the pick list", () => {
  const print = vi.spyOn(window, "print").mockImplementation(() => undefined);

  it("is printed by the window where no printer is set, with all that whoever picks needs", async () => {
    await deskWith(order({ note: "Ring twice", substitution: "similar", lines: [line("1", "Kids Cereal", { barcode: "2000008189804" })] }));
    print.mockClear();
    await press("p");
    expect(print).toHaveBeenCalledOnce();
    const paper = text("[data-testid=pick-list]");
    for (const words of ["Pick list 6472", "Kids Cereal", "2000008189804", "Ring twice", "28.48 USD"]) {
      expect(paper).toContain(words);
    }
  });

  it("goes to the printer that is set, and a printer that fails is told", async () => {
    const host = await deskWith(order());
    host.answer("print_order", () => null);
    const own = session();
    if (own.desk) own.desk.printer = "kitchen";
    host.tell({ type: "session", session: own });
    await shown();
    print.mockClear();
    await press("p");
    expect(host.asked("print_order")).toEqual([{ order_id: "1006472" }]);
    expect(print).not.toHaveBeenCalled();
    const error = { code: "printer_failed", message: "lp: paper jam", hint: "look at the printer", retryable: true };
    host.tell({ type: "unprinted", order_id: "1006472", error });
    await shown();
    expect(text("[role=alert]")).toContain("lp: paper jam");
  });
});

describe("rejecting an order", () => {
  it("marks what is out of stock for others as well, where somebody says so", async () => {
    const host = await deskWith(order());
    host.answer("edit_item", () => receipt(0));
    await press("r");
    document.querySelector<HTMLInputElement>("tbody input[type=checkbox]")?.click();
    await shown();
    document.querySelector<HTMLInputElement>("aside input[value='2']")?.click();
    await shown();
    await press("Enter");
    expect(host.asked("reject_order")).toMatchObject([{ reason: "out_of_stock", items: ["1"] }]);
    const [edit] = host.asked("edit_item");
    expect(edit).toMatchObject({ item_id: "1", fields: { availability: "out_of_stock" } });
    const hours = (Date.parse(edit?.fields["available_until"] ?? "") - Date.now()) / 3_600_000;
    expect(Math.abs(hours - 2)).toBeLessThan(0.1);
  });

  it("leaves the catalog alone unless somebody says so", async () => {
    const host = await deskWith(order());
    await press("r");
    document.querySelector<HTMLInputElement>("tbody input[type=checkbox]")?.click();
    await shown();
    await press("Enter");
    expect(host.asked("reject_order")).toHaveLength(1);
    expect(host.asked("edit_item")).toEqual([]);
  });

  it("since the store is too busy offers to be busy instead", async () => {
    const host = await deskWith(order());
    await press("r", "t");
    expect(text("aside")).toContain("Promising later");
    await press("b");
    expect(text("aside")).not.toContain("Promising later");
    expect(text("main")).toContain("Busy or pause");
    expect(host.asked("reject_order")).toEqual([]);
  });
});

describe("deciding a payment", () => {
  it("inside the range takes one key", async () => {
    const host = await deskWith(pending("23.77", "inside"));
    await press("y");
    expect(host.asked("approve_payment")).toEqual([{ payment_id: "9", reason: null, override_reason: null, manager: null }]);
  });

  it("below the range asks for a reason, and leaves it alone on Escape", async () => {
    const host = await deskWith(pending("6.97", "below"));
    await press("y");
    expect(text("aside h3")).toContain("below the range");
    expect(text("aside")).toContain("12.96 below");
    await press("Escape");
    expect(document.querySelector("aside h3")?.textContent).toBe("Timeline");
    await press("y", "t", "Enter");
    expect(host.asked("approve_payment")).toEqual([{ payment_id: "9", reason: "till_price", override_reason: null, manager: null }]);
  });

  it("above the range is no matter of one key: Approve stays in its place and does nothing", async () => {
    const host = await deskWith(pending("32.00", "above"));
    expect(button("Approve $32.00")?.disabled).toBe(true);
    await press("y");
    expect(host.asked("approve_payment")).toEqual([]);
    await press("m", "Enter");
    expect(host.asked("approve_payment")).toEqual([{ payment_id: "9", reason: null, override_reason: "weighed", manager: null }]);
  });

  it("above the range is a manager's, who gives a PIN where somebody else is signed in", async () => {
    const host = await deskWith(pending("32.00", "above"));
    host.answer("staff", () => ({ people: [member("1", "Noor", "clerk"), member("2", "Teo", "manager")] }));
    const clerk = { staff_id: "1", name: "Noor", role: "clerk", has_pin: true, rights: ["orders"] } as const;
    host.tell({ type: "session", session: { ...session(), person: { ...clerk, rights: [...clerk.rights] } } });
    await shown();
    await press("m");
    expect(text("aside")).toContain("Teo's PIN");
    expect(text("aside")).toContain("Noor stays signed in");
    expect(button("Approve $32.00")?.disabled).toBe(true);
    await press("7", "3", "9", "1");
    const field = document.querySelector<HTMLInputElement>("[data-testid=manager-pin]");
    expect(document.activeElement).toBe(field);
    await type(field, "7391");
    field?.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    await shown();
    expect(host.asked("approve_payment")).toEqual([
      { payment_id: "9", reason: null, override_reason: "weighed", manager: { staff_id: "2", pin: "7391" } },
    ]);
  });

  it("outside the range can be put to central, which may give another range", async () => {
    const host = await deskWith(pending("40.00", "above"));
    host.answer("ask_range", () => receipt(0));
    await press("q");
    expect(host.asked("ask_range")).toEqual([{ order_id: "1006472" }]);
  });

  it("over the ceiling cannot be approved by anybody", async () => {
    const host = await deskWith(pending("40.00", "above"));
    await press("m");
    expect(text("aside")).toContain("over the ceiling of 34.46");
    await press("Enter");
    expect(host.asked("approve_payment")).toEqual([]);
  });

  it("declining goes back to picking unless it is said that the order ends", async () => {
    const host = await deskWith(pending("40.00", "above"));
    await press("n", "ArrowDown", "Enter");
    expect(host.asked("decline_payment")).toEqual([
      { payment_id: "9", reason: "wrong_order", ends_order: false, note: null },
    ]);
    await press("n", "n", "ArrowRight", "Enter");
    expect(host.asked("decline_payment")[1]).toMatchObject({ reason: "outside_range", ends_order: true });
  });
});

describe("deciding an order", () => {
  it("the same key again lets it leave at once, and another order's key is that order's", async () => {
    const host = await deskWith(order());
    await press("a", "a");
    expect(host.asked("accept_order")).toEqual([{ order_id: "1006472" }]);
    expect(host.asked("release")).toEqual([{ change_id: "c-1" }]);
    await press("ArrowDown", "a");
    expect(host.asked("accept_order")).toEqual([{ order_id: "1006472" }, { order_id: "1006949" }]);
  });

  it("what is refused stands there in words, with what to do and the code, until it is closed", async () => {
    const host = await deskWith(order());
    host.refuse("accept_order", { code: "disk_full", message: "the disk is full", hint: "free some space" });
    await press("a");
    expect(text("[role=alert]")).toMatch(/the disk is full.*free some space.*disk_full/);
    expect(document.querySelector("[data-testid=undo]")).toBeNull();
    await press("Escape");
    expect(document.querySelector("[role=alert]")).toBeNull();
  });

  it("a rejection that needs lines waits for them, one that needs a note for that", async () => {
    const host = await deskWith(order());
    await press("r", "Enter");
    expect(host.asked("reject_order")).toEqual([]);
    expect(text("[role=alert]")).toContain("Tick at least one line");
    document.querySelector<HTMLInputElement>("tbody input")?.click();
    await press("Enter");
    expect(host.asked("reject_order")).toEqual([
      { order_id: "1006472", reason: "out_of_stock", items: ["1"], note: null },
    ]);
    await press("ArrowDown", "r", "o", "Enter");
    expect(text("aside [role=alert]")).toContain("Write a few words");
    expect(host.asked("reject_order")).toHaveLength(1);
  });

  it("a sheet closes when the order moves on under it", async () => {
    const host = await deskWith(pending("40.00", "above"));
    await press("n");
    expect(text("aside h3")).toContain("Decline");
    host.answer("order", () => order({ status: "rejected", cancelled: true }));
    host.tell({ type: "orders", order_ids: ["1006472"] });
    await shown();
    expect(text("aside h3")).toBe("Timeline");
  });
});

describe("what else belongs to an order", () => {
  async function deskOf(changes: Partial<OrderDetail>): Promise<FakeHost> {
    const host = await deskWith(order(changes));
    for (const act of ["set_due", "claim_order", "add_note"] as const) host.answer(act, () => receipt(0));
    return host;
  }

  it("is promised for later from what was promised, or from now where that is over", async () => {
    const due = new Date(Date.now() + 20 * 60_000);
    const host = await deskOf({ due_at: due.toISOString() });
    await press("d", "ArrowDown", "Enter");
    expect(host.asked("set_due")).toEqual([
      { order_id: "1006472", due_at: new Date(due.getTime() + 15 * 60_000).toISOString() },
    ]);
    host.answer("order", () => order({ due_at: "2017-04-05T12:00:00.000Z" }));
    host.tell({ type: "orders", order_ids: ["1006472"] });
    await shown();
    await press("d", "Enter");
    const late = Date.parse(host.asked("set_due")[1]?.due_at ?? "") - Date.now() - 10 * 60_000;
    expect(Math.abs(late)).toBeLessThan(10_000);
  });

  it("is taken by one key and left by the same, and says who has it", async () => {
    const host = await deskOf({ claimed_by: "Teo" });
    expect(text("header dl") + text("[data-testid=order] dl")).toContain("Teo");
    await press("c");
    expect(host.asked("claim_order")).toEqual([{ order_id: "1006472", takes: false }]);
    host.answer("orders", () => ({ ...emptyQueue, new: [{ ...card("1006472"), claimed_by: "Teo" }] }));
    host.answer("order", () => order());
    host.tell({ type: "orders", order_ids: ["1006472"] });
    await shown();
    expect(text("[role=option][data-key]")).toContain("$2.49, Teo");
    await press("c");
    expect(host.asked("claim_order")[1]).toEqual({ order_id: "1006472", takes: true });
  });

  it("is noted for colleagues unless it is for the customer, and letters in the field are letters", async () => {
    const host = await deskOf({});
    const write = async (words: string) => {
      const field = document.querySelector<HTMLInputElement>("aside input[maxlength]");
      expect(document.activeElement).toBe(field);
      await press("a");
      if (field) field.value = words;
      field?.dispatchEvent(new Event("input", { bubbles: true }));
    };
    await press("e");
    await write("Call before six");
    await press("Enter");
    await press("e");
    await write("We have no oat milk");
    document.querySelector<HTMLInputElement>("aside input[value=customer]")?.click();
    await shown();
    expect(text("aside")).toContain("passes it on to the customer");
    await press("Enter");
    expect(host.asked("add_note")).toEqual([
      { order_id: "1006472", audience: "staff", text: "Call before six" },
      { order_id: "1006472", audience: "customer", text: "We have no oat milk" },
    ]);
    expect(host.asked("accept_order")).toEqual([]);
  });

  it("is promised and taken only while it is open", async () => {
    const host = await deskOf({ status: "confirmed" });
    await press("c", "d");
    expect([host.asked("claim_order"), host.asked("set_due")]).toEqual([[], []]);
    expect(text("aside h3")).toBe("Timeline");
  });
});

describe("live updates", () => {
  it("never move what is open, and a new order on top is only in the list", async () => {
    const host = await deskWith(order());
    await press("ArrowDown");
    const open = () => document.querySelector<HTMLElement>("[data-testid=order]")?.dataset["order"];
    expect(open()).toBe("1006949");
    host.answer("orders", () => ({ ...emptyQueue, new: [card("1000001", true), card("1006472"), card("1006949")] }));
    host.tell({ type: "orders", order_ids: ["1000001"] });
    await shown();
    expect(document.querySelectorAll("[role=option][data-key]")).toHaveLength(3);
    expect(open()).toBe("1006949");
    await press(" ");
    expect(open()).toBe("1000001");
    expect(host.asked("acknowledge")).toEqual([{ order_id: "1000001" }]);
  });

  it("open a late order among those that are picked by the key that opens what rings", async () => {
    const host = await deskWith(order());
    host.answer("orders", () => ({ ...emptyQueue, picking: [card("1006472"), card("1006949", true)] }));
    host.answer("acknowledge", () => quietStatus.waiting);
    host.tell({ type: "alarm", kind: "late", order_id: "1006949", ringing: true });
    await shown();
    await press(" ");
    expect(host.asked("acknowledge")).toEqual([{ order_id: "1006949" }]);
    expect(document.querySelector<HTMLElement>("[data-testid=order]")?.dataset["order"]).toBe("1006949");
  });

  it("say in a bar that this computer cannot ring, until it can", async () => {
    const host = await deskWith(order());
    host.answer("test_alarm", () => null);
    host.tell({ type: "sound", is_there: false });
    await shown();
    expect(text("[data-testid=banner]")).toContain("This computer has no sound");
    button("Test the alarm")?.click();
    await shown();
    expect(host.asked("test_alarm")).toHaveLength(1);
    host.tell({ type: "sound", is_there: true });
    await shown();
    expect(text("[data-testid=banner]")).not.toContain("no sound");
  });

  it("name the cause of a cut line, what still works, and what waits after three missed pushes", async () => {
    const host = await deskWith(order());
    const link = { state: "store_internet" as const, since: null, cause: "no way to 10.0.0.1", hint: null, keeps_nothing: false, catching_up: false, throttled_ms: null };
    host.tell({ type: "status", status: { ...quietStatus, link } });
    await shown();
    expect(text("[data-testid=link]")).toContain("Offline: shop internet");
    expect(text("[data-testid=banner]")).toMatch(/Shop internet is down.*You can.*Not:.*no way to 10\.0\.0\.1/s);
    const outbox = { held: 0, ready: 22, sent: 0, refused: 0, oldest_age_s: 900 };
    host.tell({ type: "status", status: { ...quietStatus, link, outbox, missed_pushes: 3 } });
    await shown();
    expect(text("[data-testid=banner]")).toContain("22 changes have waited up to 15 min");
    expect(text("[data-testid=outbox]")).toContain("22 not sent");
  });

  it("count deadlines by central's clock where this computer's is wrong, and say that it is", async () => {
    const host = await deskWith(order());
    const soon = { ...card("1006472"), accept_by: new Date(Date.now() + 4 * 60_000).toISOString() };
    host.answer("orders", () => ({ ...emptyQueue, new: [soon] }));
    host.tell({ type: "orders", order_ids: ["1006472"] });
    const by = async (minutes: number | null) => {
      const clock_offset_ms = minutes === null ? null : minutes * 60_000;
      host.tell({ type: "status", status: { ...quietStatus, clock_offset_ms } });
      await shown();
      return [text("[role=option][data-key]"), text("[data-testid=banner]")];
    };
    const [right, silent] = await by(null);
    expect(right).toMatch(/[34]:\d\d/);
    expect([silent?.trim(), (await by(2))[1]?.trim(), (await by(-2))[1]?.trim()]).toEqual(["", "", ""]);
    const [slow, warned] = await by(7);
    expect(slow).toMatch(/[23]:\d\d.*late/s);
    expect(warned).toContain("clock is 7 min off central's");
    const [fast, warnedToo] = await by(-7);
    expect(fast).toMatch(/1[01]:\d\d/);
    expect(fast).not.toContain("late");
    expect(warnedToo).toContain("clock is 7 min off central's");
  });

  it("tell of changes that are sent and have no word from central how long they wait, calm at first and then not", async () => {
    const host = await deskWith(order());
    const outbox = (age: number) => ({ held: 0, ready: 0, sent: 2, refused: 0, oldest_age_s: age });
    const cell = () => document.querySelector("[data-testid=outbox]")?.className;
    host.tell({ type: "status", status: { ...quietStatus, outbox: outbox(120) } });
    await shown();
    expect(text("[data-testid=outbox]")).toContain("waiting for central, 2 min");
    const calm = cell();
    host.tell({ type: "status", status: { ...quietStatus, outbox: outbox(420), missed_pushes: 1 } });
    await shown();
    expect(text("[data-testid=outbox]")).toContain("no word from central for 7 min");
    const amber = cell();
    expect(text("[data-testid=banner]")).not.toContain("waited");
    host.tell({ type: "status", status: { ...quietStatus, outbox: outbox(960), missed_pushes: 3 } });
    await shown();
    expect(new Set([calm, amber, cell()]).size).toBe(3);
    expect(text("[data-testid=banner]")).toMatch(/2 changes have waited up to 16 min.*The line is there/s);
  });
});
