import { mount, unmount } from "svelte";
import { afterEach, describe, expect, it } from "vitest";

import "../lib/host/jsdom";
import App from "../App.svelte";
import { deskSession, type FakeHost, openHost, receipt } from "../lib/host/fake";
import { press, shown } from "../lib/host/shown";
import type { StoreView } from "../lib/rpc/generated";

let app: Record<string, unknown>;

afterEach(() => unmount(app));

const text = (css: string) => document.querySelector(css)?.textContent ?? "";
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
const isNear = (at: string | null, minutes: number) =>
  Math.abs(Date.parse(at ?? "") - Date.now() - minutes * 60_000) < 10_000;

async function deskOf(changes: Partial<StoreView> = {}): Promise<FakeHost> {
  const session = deskSession();
  if (session.store) Object.assign(session.store, changes);
  const host = openHost()
    .answer("session", () => session)
    .answer("pause_store", () => receipt(0))
    .answer("busy_store", () => receipt(0))
    .answer("end_busy", () => receipt(0));
  app = mount(App, { target: document.body, props: { host } });
  await shown();
  return host;
}

describe("a store that is busy or paused", () => {
  it("adds minutes until a time that arrows choose, by one key and Enter", async () => {
    const host = await deskOf();
    await press("b", "ArrowDown", "ArrowRight", "Enter");
    const [asked] = host.asked("busy_store");
    expect(asked?.minutes).toBe(20);
    expect(isNear(asked?.until ?? null, 60)).toBe(true);
    expect(document.querySelector("aside[aria-label='Busy or pause']")).toBeNull();
  });

  it("takes no new orders until then, from any screen", async () => {
    const host = await deskOf();
    await press("g", ",", "b", "p", "Enter");
    expect(isNear(host.asked("pause_store")[0]?.until ?? null, 30)).toBe(true);
    expect(text("main")).toContain("Orders");
  });

  it("stands in the bar with its end, and takes orders as always by the first choice", async () => {
    const host = await deskOf({ paused_until: inMinutes(12) });
    expect(text("[data-testid=capacity]")).toMatch(/Paused until .*as always in 12 min/s);
    await press("b", "Enter");
    expect(host.asked("pause_store")).toEqual([{ until: null }]);
  });

  it("ends being busy by the first choice too, and nothing stands in the bar once it is over", async () => {
    const host = await deskOf({ busy_minutes: 20, busy_until: inMinutes(30) });
    expect(text("[data-testid=capacity]")).toContain("Busy +20 min");
    await press("b", "Enter");
    expect(host.asked("end_busy")).toHaveLength(1);
    const over = deskSession();
    if (over.store) Object.assign(over.store, { busy_minutes: 20, busy_until: inMinutes(-1) });
    host.tell({ type: "session", session: over });
    await shown();
    expect(document.querySelector("[data-testid=capacity]")).toBeNull();
  });

  it("that is paused while it is busy is neither afterwards", async () => {
    const host = await deskOf({ paused_until: inMinutes(5), busy_minutes: 20, busy_until: inMinutes(30) });
    await press("b", "Enter");
    expect([host.asked("pause_store").length, host.asked("end_busy").length]).toEqual([1, 1]);
  });

  it("says why it is not taken, and stays open", async () => {
    const host = await deskOf();
    host.refuse("busy_store", { code: "disk_full", message: "the disk is full" });
    await press("b", "Enter");
    expect(text("[role=alert]")).toContain("the disk is full");
    expect(text("aside[aria-label='Busy or pause']")).toContain("Add 10 min");
  });
});
