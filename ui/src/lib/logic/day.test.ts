import { describe, expect, it } from "vitest";

import { dayAfter, dayInWords, dots } from "./day";

describe("a day", () => {
  it("is followed by the next one over the ends of months and years", () => {
    expect(dayAfter("2017-04-05", 1)).toBe("2017-04-06");
    expect(dayAfter("2016-12-31", 1)).toBe("2017-01-01");
    expect(dayAfter("2016-03-01", -1)).toBe("2016-02-29");
  });

  it("is said with its weekday", () => {
    expect(dayInWords("2017-04-05")).toBe("Wednesday 5 April 2017");
  });
});

describe("marks of a day", () => {
  it("stand where they are, at the ends where they lie beyond, and on each other where they would cover each other", () => {
    const marks = [{ percent: "40.0" }, { percent: "90.0" }, { percent: "91.0" }, { percent: "500.0" }, { percent: "3.0" }, { percent: null }];
    expect(dots(marks).map(({ x, level }) => [x, level])).toEqual([
      [0, 0],
      [0.5, 0],
      [0.51, 1],
      [1, 0],
      [0, 1],
    ]);
  });
});
