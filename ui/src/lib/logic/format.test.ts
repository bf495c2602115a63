import { describe, expect, it } from "vitest";

import { age, amount, clock, duration, minutes, money, ordinal, secondsTo, signed, size } from "./format";

describe("durations", () => {
  it("are minutes and seconds, from an hour hours and minutes", () => {
    expect([0, 9, 258, 3599, 3600, 8239].map(duration)).toEqual(["0:00", "0:09", "4:18", "59:59", "1 h 0 min", "2 h 17 min"]);
  });

  it("that have passed count as none", () => {
    expect([duration(-3), minutes(-90), age(-1)]).toEqual(["0:00", "0 min", "0 s"]);
  });

  it("in minutes are cut, never rounded up", () => {
    expect([59, 2639, 3900].map(minutes)).toEqual(["0 min", "43 min", "1 h 5 min"]);
  });

  it("of waiting go from seconds to days", () => {
    expect([45, 600, 8239, 86_400, 259_200].map(age)).toEqual(["45 s", "10 min", "2 h 17 min", "1 day", "3 days"]);
  });
});

describe("amounts", () => {
  it("are grouped by thousands and keep every digit", () => {
    expect(["0.00", "999.90", "1000.00", "1234567.05", "12"].map(amount)).toEqual([
      "0.00",
      "999.90",
      "1,000.00",
      "1,234,567.05",
      "12",
    ]);
    expect(amount("90071992547409931.01")).toBe("90,071,992,547,409,931.01");
  });

  it("below zero have a true minus sign", () => {
    expect(amount("-1234.50")).toBe("\u22121,234.50");
  });

  it("as a difference write their sign, and zero has none", () => {
    expect(["4.71", "-4.71", "+4.71", "0.00", "-0.00"].map(signed)).toEqual([
      "+4.71",
      "\u22124.71",
      "+4.71",
      "0.00",
      "0.00",
    ]);
  });

  it("with a currency have its symbol in front, words apart", () => {
    expect(money("23.77", "USD")).toBe("$23.77");
    expect(money("-23.77", "EUR")).toBe("\u2212€23.77");
    expect(money("23.77", "CHF")).toBe("CHF 23.77");
  });
});

describe("times", () => {
  const now = Date.parse("2017-04-05T20:00:00Z");

  it("are those of the store", () => {
    expect(clock("2017-04-05T18:41:02Z", "Europe/Berlin", now)).toBe("20:41");
    expect(clock("2017-04-05T18:41:02Z", "Europe/Berlin", now, true)).toBe("20:41:02");
    expect(clock("2017-04-04T22:05:00Z", "Europe/Berlin", now)).toBe("00:05");
  });

  it("of another day have the date, of another year the year", () => {
    expect(clock("2017-04-04T12:00:00Z", "UTC", now)).toBe("4 Apr 12:00");
    expect(clock("2016-12-31T12:00:00Z", "UTC", now)).toBe("31 Dec 2016 12:00");
  });

  it("change their day at the store's midnight", () => {
    expect(clock("2017-04-05T21:59:00Z", "Europe/Berlin", now)).toBe("23:59");
    expect(clock("2017-04-05T22:01:00Z", "Europe/Berlin", now)).toBe("6 Apr 00:01");
  });

  it("that have passed are negative seconds away", () => {
    expect(secondsTo("2017-04-05T20:00:30Z", now)).toBe(30);
    expect(secondsTo("2017-04-05T19:59:00Z", now)).toBe(-60);
  });
});

it("ordinals end as they are spoken", () => {
  expect([1, 2, 3, 4, 11, 12, 13, 21, 102].map(ordinal)).toEqual([
    "1st",
    "2nd",
    "3rd",
    "4th",
    "11th",
    "12th",
    "13th",
    "21st",
    "102nd",
  ]);
});

it("sizes have the unit that keeps their figure short", () => {
  expect([0, 512, 242_000, 2_800_000, 12_345_678_901, 5e15].map(size)).toEqual([
    "0 B",
    "512 B",
    "242 kB",
    "2.8 MB",
    "12.3 GB",
    "5000000.0 GB",
  ]);
});
