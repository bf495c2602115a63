import { describe, expect, it } from "vitest";

import { Scanner } from "./scanner";

/** Sends keys one after the other; answers what the last one was taken for. */
function type(scanner: Scanner, keys: string[], gapMs: number, from = 0) {
  return keys.map((key, index) => scanner.take(key, from + index * gapMs)).at(-1);
}

const CODE = [..."2000000082554"];

describe("a scanner", () => {
  it("is known by its quick row, and its code comes at the end of it", () => {
    expect(type(new Scanner(), [...CODE, "Enter"], 5)).toEqual({ code: "2000000082554" });
  });

  it("keeps its characters from everything else while it sends", () => {
    expect(type(new Scanner(), CODE, 5)).toBe("burst");
  });

  it("is nobody who types, however long", () => {
    const scanner = new Scanner();
    expect(CODE.map((key, index) => scanner.take(key, index * 120))).toEqual(CODE.map(() => null));
    expect(scanner.take("Enter", CODE.length * 120)).toBeNull();
  });

  it("does not send codes as short as a person's quick fingers", () => {
    expect(type(new Scanner(), [..."12345", "Enter"], 5)).toBeNull();
  });

  it("sends its Enter as quickly as the rest", () => {
    const scanner = new Scanner();
    type(scanner, CODE, 5);
    expect(scanner.take("Enter", 2000)).toBeNull();
  });

  it("begins anew after a pause: what was typed before is no part of the code", () => {
    const scanner = new Scanner();
    scanner.take("G", 0);
    expect(type(scanner, [...CODE, "Enter"], 5, 1000)).toEqual({ code: "2000000082554" });
  });

  it("sends one code after the other", () => {
    const scanner = new Scanner();
    type(scanner, [...CODE, "Enter"], 5);
    expect(type(scanner, [..."12345670", "Enter"], 5, 100)).toEqual({ code: "12345670" });
  });

  it("has no arrows among its characters", () => {
    expect(type(new Scanner(), [..."1234567", "ArrowUp", "Enter"], 5)).toBeNull();
  });
});
