import { describe, expect, it } from "vitest";

import type { LinkState } from "../rpc/generated";
import { pathOf } from "./path";

const link = (state: LinkState, catching_up = false) => ({ state, since: null, cause: null, hint: null, keeps_nothing: false, catching_up, throttled_ms: null });

describe("the way to central", () => {
  it("is whole while the line is up", () => {
    expect(pathOf(link("up"))).toEqual({ this_computer: "ok", store_internet: "ok", central: "ok" });
  });

  it("ends behind while what central wrote is still being read", () => {
    expect(pathOf(link("up", true)).central).toBe("behind");
  });

  it("is marked where it is cut, and nothing is known behind that", () => {
    expect(pathOf(link("this_computer"))).toEqual({ this_computer: "cut", store_internet: "unknown", central: "unknown" });
    expect(pathOf(link("store_internet"))).toEqual({ this_computer: "ok", store_internet: "cut", central: "unknown" });
    expect(pathOf(link("central"))).toEqual({ this_computer: "ok", store_internet: "ok", central: "cut" });
  });

  it("is not known before the first status", () => {
    expect(pathOf(null)).toEqual({ this_computer: "unknown", store_internet: "unknown", central: "unknown" });
  });
});
