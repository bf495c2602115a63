import { mount, unmount } from "svelte";
import { afterEach, describe, expect, it } from "vitest";

import "../lib/host/jsdom";
import App from "../App.svelte";
import { FakeHost, firstRunSession, openHost, someSettings } from "../lib/host/fake";
import { shown } from "../lib/host/shown";

let app: Record<string, unknown>;

afterEach(() => unmount(app));

/** Opens the desk and goes to its settings by the keys. */
async function settingsOf(host: FakeHost): Promise<FakeHost> {
  app = mount(App, { target: document.body, props: { host } });
  await shown();
  for (const key of ["g", ","]) {
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  }
  await shown();
  return host;
}

const inside = (id: string) => document.querySelector<HTMLElement>(`[data-testid='${id}']`);

async function choose(id: string, value: string): Promise<void> {
  inside(id)?.querySelector<HTMLInputElement>(`input[value='${value}']`)?.click();
  await shown();
}

const chosen = (id: string) => inside(id)?.querySelector<HTMLInputElement>("input:checked")?.value;

describe("the settings", () => {
  it("are saved one by one as soon as they are chosen, and say so", async () => {
    const host = await settingsOf(openHost().answer("set_setting", () => someSettings));
    await choose("interval", "600");
    expect(host.asked("set_setting")).toEqual([{ key: "push_interval_s", value: "600" }]);
    expect(inside("interval")?.textContent).toContain("Saved here");
    expect(inside("at-once")?.textContent).not.toContain("Saved here");
    expect(chosen("interval")).toBe("600");
  });

  it("go back to what is saved when they are refused, and say why there", async () => {
    await settingsOf(openHost().refuse("set_setting", { code: "disk_full", message: "the disk is full" }));
    await choose("at-once", "false");
    expect(chosen("at-once")).toBe("true");
    expect(inside("at-once")?.textContent).toContain("the disk is full");
    expect(inside("at-once")?.textContent).not.toContain("Saved here");
  });

  it("show an interval that only the command line offers", async () => {
    await settingsOf(openHost().answer("settings", () => ({ ...someSettings, push_interval_s: 45 })));
    expect(chosen("interval")).toBe("45");
    expect(inside("interval")?.textContent).toContain("45 s");
  });

  it("turn the page to the chosen theme, and back when it is refused", async () => {
    const host = await settingsOf(openHost().answer("set_setting", () => someSettings));
    await choose("theme", "dark");
    expect(document.documentElement.dataset["theme"]).toBe("dark");
    host.refuse("set_setting", { code: "disk_full" });
    await choose("theme", "light");
    expect(document.documentElement.dataset["theme"]).toBe("dark");
    expect(chosen("theme")).toBe("dark");
  });

  it("that cannot be read say why and are read again", async () => {
    const host = await settingsOf(openHost().refuse("settings", { code: "db_error", message: "the database is busy" }));
    expect(inside("settings")?.textContent).toContain("the database is busy");
    host.answer("settings", () => someSettings);
    inside("settings")?.querySelector("button")?.click();
    await shown();
    expect(inside("settings")?.textContent).toContain("kafka.example:9092");
  });

  it("of a store's own desk test its connection and offer no way out", async () => {
    const host = await settingsOf(openHost().answer("test_connection", () => ({ ok: true, steps: [], error: null })));
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true, bubbles: true }));
    await shown();
    expect(host.asked("test_connection")).toEqual([someSettings.connection]);
    expect(inside("leave")).toBeNull();
  });

  it("of the sample store have nothing to test and lead back to the first screen", async () => {
    const host = openHost(true).answer("leave_rehearsal", () => firstRunSession);
    await settingsOf(host);
    expect(inside("test")).toBeNull();
    host.answer("session", () => firstRunSession);
    inside("leave")?.click();
    await shown();
    expect(host.asked("leave_rehearsal").length).toBe(1);
    expect(inside("first-run")).not.toBeNull();
  });
});
