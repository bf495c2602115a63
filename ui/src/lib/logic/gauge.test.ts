import { describe, expect, it } from "vitest";

import { HI, keepApart, LO, minor, place, verdictOf } from "./gauge";

describe("minor units", () => {
  it("are exact for every amount an answer can have", () => {
    expect(["0.00", "12", "0.5", "-4.71", "+4.71", "90071992547409931.01"].map(minor)).toEqual([
      0n,
      1200n,
      50n,
      -471n,
      471n,
      9007199254740993101n,
    ]);
  });
});

describe("the verdict", () => {
  it("takes both ends of the range as inside, to the cent", () => {
    expect(["20.99", "21.00", "23.77", "26.00", "26.01"].map((paid) => verdictOf(paid, "21.00", "26.00"))).toEqual([
      "below",
      "inside",
      "inside",
      "inside",
      "above",
    ]);
  });

  it("compares amounts and not their spelling", () => {
    expect(verdictOf("100.00", "20.00", "99.00")).toBe("above");
    expect(verdictOf("9.00", "10.00", "20.00")).toBe("below");
  });
});

describe("the place on the gauge", () => {
  const at = (paid: string) => place(paid, "20.00", "30.00");

  it("is linear, with the range in the middle half", () => {
    expect(["20.00", "25.00", "30.00", "22.50"].map(at)).toEqual([LO, 50, HI, 37.5]);
    expect(at("32.00")).toBeCloseTo(85, 6);
    expect(at("17.00")).toBeCloseTo(10, 6);
  });

  it("of an amount outside by a cent is clear of the end", () => {
    expect(at("30.01")).toBe(HI + 2.5);
    expect(at("19.99")).toBe(LO - 2.5);
  });

  it("of an amount far out stops before the edge", () => {
    expect(at("9000.00")).toBe(94);
    expect(at("0.01")).toBe(6);
  });

  it("never moves backwards while an amount grows", () => {
    const places = Array.from({ length: 6000 }, (_, cents) => at((cents / 100).toFixed(2)));
    expect(places.every((value, index) => index === 0 || value >= (places[index - 1] ?? 0))).toBe(true);
  });

  it("in a range of a single amount is its middle, or clearly outside", () => {
    expect(place("5.00", "5.00", "5.00")).toBe(50);
    expect(place("5.01", "5.00", "5.00")).toBeGreaterThan(HI);
    expect(place("4.99", "5.00", "5.00")).toBeLessThan(LO);
  });
});

describe("labels", () => {
  it("keep their distance from the ends of the range", () => {
    expect([26, 50, 74].map((at) => keepApart(at, 12))).toEqual([37, 50, 63]);
  });

  it("stay where they are when there is no room between the ends", () => {
    expect(keepApart(26, 30)).toBe(26);
  });
});
