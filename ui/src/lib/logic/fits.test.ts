import { describe, expect, it } from "vitest";

import { fits } from "./fits";

describe("a name fits what was typed", () => {
  it("when it has every word of it, in any order and by its beginning or middle", () => {
    expect(fits("Send 0421 back to picking", "pick 0421")).toBe(true);
    expect(fits("Send 0421 back to picking", "pick 0422")).toBe(false);
  });

  it("whatever the case and the accents", () => {
    expect(fits("Crème fraîche", "CREME")).toBe(true);
    expect(fits("Go to Orders", "ördérs")).toBe(true);
  });

  it("when nothing was typed", () => {
    expect(fits("Send now", "  ")).toBe(true);
  });
});
