import { flushSync } from "svelte";
import { afterEach, describe, expect, it } from "vitest";

import { deskSession, FakeHost, firstRunSession, openHost, settled, someSettings } from "../host/fake";
import { Desk } from "./desk.svelte";
import { rooted } from "./rooted.svelte";
import { Theme } from "./theme.svelte";

let end: () => void = () => {};
afterEach(() => end());

async function themeOf(host: FakeHost) {
  const desk = new Desk(host);
  const rootedTheme = rooted(() => new Theme(desk));
  const stop = desk.start();
  end = () => {
    stop();
    rootedTheme.end();
  };
  await settled();
  flushSync();
  await settled();
  flushSync();
  return { desk, theme: rootedTheme.value };
}

const shown = () => document.documentElement.dataset["theme"];

describe("the theme", () => {
  it("is the one that is kept with the desk", async () => {
    const { theme } = await themeOf(openHost().answer("settings", () => ({ ...someSettings, theme: "dark" })));
    expect([theme.name, shown()]).toEqual(["dark", "dark"]);
  });

  it("of the system leaves the page to the system", async () => {
    const { theme } = await themeOf(openHost().answer("settings", () => ({ ...someSettings, theme: "dark" })));
    void theme.set("system");
    flushSync();
    expect(shown()).toBeUndefined();
  });

  it("is saved as soon as it is chosen", async () => {
    const host = openHost().answer("set_setting", () => someSettings);
    const { theme } = await themeOf(host);
    await theme.set("light");
    expect(host.asked("set_setting")).toEqual([{ key: "theme", value: "light" }]);
  });

  it("chosen on the first screen goes with the desk that opens then", async () => {
    const host = new FakeHost().answer("session", () => firstRunSession).answer("set_setting", () => someSettings);
    const { theme } = await themeOf(host);
    await theme.set("dark");
    expect(host.asked("set_setting")).toEqual([]);
    host.tell({ type: "session", session: deskSession() });
    flushSync();
    await settled();
    expect([theme.name, host.asked("set_setting")]).toEqual(["dark", [{ key: "theme", value: "dark" }]]);
  });
});
