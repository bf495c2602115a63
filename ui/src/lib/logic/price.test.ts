import { describe, expect, it } from "vitest";

import { readPrice } from "./price";

const wrong = (text: string) => {
  const reading = readPrice(text, "2.19");
  return reading.kind === "wrong" ? reading.why : reading.kind;
};

describe("a typed price", () => {
  it("is read with a point or a comma and sent with a point", () => {
    expect(readPrice("2.29", "2.19")).toMatchObject({ kind: "changed", value: "2.29" });
    expect(readPrice("2,29", "2.19")).toMatchObject({ kind: "changed", value: "2.29" });
  });

  it("may be typed short", () => {
    expect(readPrice("3", "2.19")).toMatchObject({ value: "3.00" });
    expect(readPrice("2.", "2.19")).toMatchObject({ value: "2.00" });
    expect(readPrice(",5", "2.19")).toMatchObject({ value: "0.50" });
    expect(readPrice(" 02,4 ", "2.19")).toMatchObject({ value: "2.40" });
  });

  it("is the same whatever way the same price is written", () => {
    expect(readPrice("2,19", "2.19")).toEqual({ kind: "same", value: "2.19" });
    expect(readPrice("2", "2.00")).toEqual({ kind: "same", value: "2.00" });
  });

  it("is asked about beyond a quarter, not at a quarter", () => {
    expect(readPrice("1.25", "1.00")).toMatchObject({ percent: "+25.0", unusual: false });
    expect(readPrice("1.26", "1.00")).toMatchObject({ percent: "+26.0", unusual: true });
    expect(readPrice("0.75", "1.00")).toMatchObject({ percent: "\u221225.0", unusual: false });
    expect(readPrice("0.74", "1.00")).toMatchObject({ percent: "\u221226.0", unusual: true });
    expect(readPrice("0", "1.00")).toMatchObject({ percent: "\u2212100.0", unusual: true });
  });

  it("says its change to a tenth of a percent, half up", () => {
    expect(readPrice("2.99", "2.19")).toMatchObject({ percent: "+36.5", unusual: true });
    expect(readPrice("2.21", "2.19")).toMatchObject({ percent: "+0.9", unusual: false });
    expect(readPrice("20.01", "20.00")).toMatchObject({ percent: "+0.1" });
  });

  it("has no percentage where nothing was charged before", () => {
    expect(readPrice("2.99", "0.00")).toEqual({ kind: "changed", value: "2.99", percent: null, unusual: false });
  });

  it("is not guessed at when it cannot be read", () => {
    expect(wrong("1.234")).toBe("decimals");
    expect(wrong("-1")).toBe("negative");
    expect(wrong("\u22121")).toBe("negative");
    expect(wrong("2.99 $")).toBe("letters");
    expect(wrong("1e3")).toBe("letters");
    expect(wrong(".")).toBe("letters");
    expect(wrong("1,234.50")).toBe("grouping");
    expect(wrong("12345678.00")).toBe("large");
  });

  it("is not a barcode that a scanner typed into the cell", () => {
    expect(wrong("2000008387699")).toBe("barcode");
    expect(wrong("40123455")).toBe("barcode");
  });

  it("is nothing while the cell is empty", () => {
    expect(readPrice("  ", "2.19")).toEqual({ kind: "empty" });
  });
});
