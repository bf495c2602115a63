import { mount, unmount } from "svelte";
import { afterEach, describe, expect, it } from "vitest";

import "../lib/host/jsdom";
import App from "../App.svelte";
import { type FakeHost, openHost, quietStatus } from "../lib/host/fake";
import { press, shown } from "../lib/host/shown";
import type { LinkView, StatusView, SyncView } from "../lib/rpc/generated";

let app: Record<string, unknown>;

afterEach(() => unmount(app));

const quietSync: SyncView = { changes: [], pushes: [], received_today: 0, last_received_at: null, notices: [] };

/** Opens the desk on its Sync screen. */
async function syncOf(view: Partial<SyncView> = {}, status: Partial<StatusView> = {}): Promise<FakeHost> {
  const host = openHost()
    .answer("status", () => ({ ...quietStatus, ...status }))
    .answer("sync", () => ({ ...quietSync, ...view }))
    .answer("send_now", () => null);
  app = mount(App, { target: document.body, props: { host } });
  await shown();
  await press("g", "s");
  return host;
}

const inside = (id: string) => document.querySelector<HTMLElement>(`[data-testid='${id}']`);
const text = (id: string) => inside(id)?.textContent ?? "";

const closed: LinkView = {
  state: "this_computer",
  since: null,
  cause: "the system's keychain does not give this desk's password and key: it does not answer",
  hint: "unlock the keychain and try again, or enrol this desk again",
  keeps_nothing: false,
  catching_up: false,
  throttled_ms: null,
};

describe("a line that this computer cannot open", () => {
  it("is told at this computer, with why and what to do, and tried again when that is asked for", async () => {
    const host = await syncOf({}, { link: closed });
    expect(text("link")).toContain("Offline: this computer");
    for (const part of ["The system's keychain does not give", "What to do:", "unlock the keychain", "You can"]) {
      expect(text("banner")).toContain(part);
    }
    expect(inside("path")?.querySelector("[data-state='cut']")?.textContent).toContain("This computer");
    inside("countdown")?.querySelector("button")?.click();
    await shown();
    expect(host.asked("send_now").length).toBe(1);
  });
});

describe("a disk that is full", () => {
  it("is told as an alarm with what to do, and promises nothing that cannot be done", async () => {
    const full = { ...closed, cause: "the disk is full", hint: "free some space", keeps_nothing: true };
    await syncOf({}, { link: full });
    for (const part of ["This computer cannot keep anything", "The disk is full.", "What to do:", "free some space"]) {
      expect(text("banner")).toContain(part);
    }
    expect(text("banner")).not.toContain("You can");
  });
});

describe("what became of the desk", () => {
  const anew = { at: "2026-11-27T12:00:00.000Z", why: "cluster", text: "The orders feed is being mirrored anew.", under_way: true };
  const fork = { at: "2026-11-26T12:00:00.000Z", why: "forked", text: "Look for a second computer.", under_way: false };
  const feed = { topic: "aisle.store.367.orders", position: 5, end: 9, behind: 0, remirroring: true };

  it("tells a copy of this desk as an alert beside what is under way, and until that is done", async () => {
    const host = await syncOf({ notices: [anew, fork] }, { feeds: [feed] });
    expect(inside("notices")?.querySelector("[role='alert']")?.textContent).toContain("Look for a second computer.");
    expect(text("notices")).toContain("is being mirrored anew");
    expect(text("path")).toContain("mirrored anew");
    const done = { ...anew, text: "The orders feed was mirrored anew.", under_way: false };
    host.answer("sync", () => ({ ...quietSync, notices: [done, fork] }));
    host.tell({ type: "status", status: { ...quietStatus, feeds: [{ ...feed, remirroring: false }] } });
    await shown();
    expect(text("notices")).toContain("was mirrored anew");
    expect(text("notices")).toContain("Look for a second computer.");
    expect(text("path")).not.toContain("mirrored anew");
  });

  it("says that central makes it wait, and stops saying so", async () => {
    const host = await syncOf({}, { link: { ...quietStatus.link, throttled_ms: 1200 } });
    expect(text("notices")).toContain("Central makes this desk wait up to 2 s at a time");
    expect(text("link")).toContain("slowed down by central");
    host.tell({ type: "status", status: quietStatus });
    await shown();
    expect(text("notices").trim()).toBe("");
  });
});
