import { mount, unmount } from "svelte";
import { afterEach, describe, expect, it } from "vitest";

import "../lib/host/jsdom";
import App from "../App.svelte";
import { deskSession, type FakeHost, member, openHost, quietStatus, refusal } from "../lib/host/fake";
import { press, shown, type } from "../lib/host/shown";
import { Desk } from "../lib/state/desk.svelte";
import type { MemberView, Session, ShiftView } from "../lib/rpc/generated";

let app: Record<string, unknown>;

afterEach(() => unmount(app));

const text = (css: string) => document.querySelector(css)?.textContent ?? "";
const pin = () => document.querySelector<HTMLInputElement>("[data-testid=pin]");
const tile = (name: string) =>
  [...document.querySelectorAll<HTMLElement>(".tiles button")].find((one) => one.textContent?.includes(name));

const people = [
  member("1", "Teo", "manager", { last_here: "2017-04-05T08:00:00.000Z" }),
  member("2", "Noor", "clerk", { last_here: "2017-04-05T11:00:00.000Z" }),
  member("3", "Nora", "lead"),
];

const locked = (): Session => ({
  ...deskSession(),
  person: null,
  locked: { by: "Noor", at: "2017-04-05T11:59:00.000Z" },
});
const noor = (): Session => ({
  ...deskSession(),
  person: { staff_id: "2", name: "Noor", role: "clerk", has_pin: true, rights: ["orders", "availability"] },
});

const nothingLeft = { new: 0, picking: 0, payments: 0, promised: [], more_promised: 0, unsent: 0, refused: 0 };
const nothingOpen: ShiftView = { begun: null, handover: null, remaining: nothingLeft };

async function lockedDesk(known: MemberView[] = people): Promise<FakeHost> {
  const host = openHost()
    .answer("session", locked)
    .answer("staff", () => ({ people: known }))
    .answer("status", () => ({ ...quietStatus, waiting: { ...quietStatus.waiting, new: 2, payments: 1, unheard: 2 } }))
    .answer("sign_in", noor)
    .answer("shift", () => nothingOpen)
    .answer("active", () => null)
    .answer("lock", locked);
  app = mount(App, { target: document.body, props: { host } });
  await shown();
  await shown();
  return host;
}

async function enter(digits: string) {
  await type(pin(), digits);
  pin()?.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  await shown();
}

describe("a desk that nobody is signed in at", () => {
  it("tells what waits, and covers what is open below without ending it", async () => {
    await lockedDesk();
    expect(text("[data-testid=locked]")).toContain("2 new orders, 1 payment to decide");
    expect(text("[data-testid=locked]")).toContain("by Noor");
    expect(document.querySelector<HTMLElement>(".desk")?.inert).toBe(true);
    expect(document.querySelector("main[aria-label=Orders]")).not.toBeNull();
  });

  it("asks whoever was here last for their PIN, and opens with it", async () => {
    const host = await lockedDesk();
    expect(text(".pin h2")).toBe("Noor, your PIN");
    expect(document.activeElement).toBe(pin());
    await enter("2468");
    expect(host.asked("sign_in")).toEqual([{ staff_id: "2", pin: "2468" }]);
    expect(document.querySelector("[data-testid=locked]")).toBeNull();
    expect(document.querySelector<HTMLElement>(".desk")?.inert).toBe(false);
    expect(text("[data-testid=person]")).toContain("Noor");
  });

  it("finds a person by the first letters of a name", async () => {
    await lockedDesk();
    await press("t");
    expect(text(".pin h2")).toBe("Teo, your PIN");
    await press("n", "o", "r");
    expect(text(".pin h2")).toBe("Nora, your PIN");
    await press("t");
    expect(text(".pin h2")).toBe("Teo, your PIN");
  });

  it("takes digits from the pad as from the keys, and nothing else", async () => {
    await lockedDesk();
    const key = (words: string) =>
      [...document.querySelectorAll<HTMLElement>(".pad button")].find(
        (one) => one.textContent?.trim() === words || one.ariaLabel === words,
      );
    for (const word of ["7", "3", "Delete the last digit", "9"]) {
      key(word)?.click();
      await shown();
    }
    expect(pin()?.value).toBe("79");
    await type(pin(), "79a1 2");
    expect(pin()?.value).toBe("7912");
  });

  it("shows what the last shift left, and begins the next one with it", async () => {
    const host = await lockedDesk();
    const left = { by: "Ilse", at: "2017-04-05T10:00:00.000Z", note: "Spinach is out.", remaining: nothingLeft };
    host.answer("shift", () => ({ ...nothingOpen, handover: left }));
    host.answer("begin_shift", () => ({ ...nothingOpen, begun: { by: "Noor", at: left.at } }));
    await enter("2468");
    await shown();
    expect(text("aside")).toContain("Begin the shift");
    expect(text("aside")).toContain("Spinach is out.");
    await press("Enter");
    expect(host.asked("begin_shift")).toHaveLength(1);
  });

  it("says what is wrong with a PIN, forgets it, and leaves the desk locked", async () => {
    const host = await lockedDesk();
    host.answer("sign_in", () => {
      throw refusal({ code: "wrong_pin", message: "this is not Noor's PIN; 4 tries are left before a wait" });
    });
    await enter("9999");
    expect(text(".pin")).toContain("4 tries are left");
    expect(pin()?.value).toBe("");
    expect(document.querySelector("[data-testid=locked]")).not.toBeNull();
  });

  it("lets nobody try while too many were wrong, and says for how long", async () => {
    await lockedDesk([member("2", "Noor", "clerk", { waits_s: 30 })]);
    expect(text(".pin")).toContain("Too many wrong PINs");
    expect(document.querySelector<HTMLButtonElement>("[data-testid=open-desk]")?.disabled).toBe(true);
  });

  it("heeds none of the desk's keys", async () => {
    const host = await lockedDesk();
    await press("Escape");
    const before = host.calls.length;
    tile("Noor")?.focus();
    await press("a", "b", "?", " ");
    expect(host.calls.slice(before).map((call) => call.method)).toEqual([]);
    expect(document.querySelector("dialog[open]")).toBeNull();
  });
});

describe("whoever is signed in", () => {
  it("locks the desk by a key", async () => {
    const host = await lockedDesk();
    host.tell({ type: "session", session: noor() });
    await shown();
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "l", ctrlKey: true, bubbles: true }));
    await shown();
    expect(host.asked("lock")).toHaveLength(1);
  });

  it("is told who may what they may not, before they begin it", async () => {
    const desk = new Desk(openHost().answer("session", noor));
    await desk.readSession();
    expect(desk.allows("orders")).toBe(true);
    expect(desk.problem).toBeNull();
    expect(desk.allows("catalog")).toBe(false);
    expect(desk.problem?.message).toContain("Only a lead or a manager");
    app = mount(App, { target: document.body, props: { host: openHost() } });
  });
});
