import { describe, expect, it } from "vitest";

import { contentHeight, drawn, pagesOf, pageStep, reveal, top, type RowList } from "./rows";

const store: RowList = { total: 13_173, row: 40, height: 560, scroll: 0 };
const million: RowList = { total: 1_000_000, row: 44, height: 560, scroll: 0 };
/** The lowest limit of an engine. */
const ENGINE = 17_800_000;

/** Where a row is seen, from the top of the list's window. */
const seen = (list: RowList, index: number) => top(list, index) - list.scroll;

describe("a list of rows", () => {
  it("is as high as its rows while an engine can hold that", () => {
    expect(contentHeight(store)).toBe(13_173 * 40);
    expect(top({ ...store, scroll: 4000 }, 100)).toBe(4000);
  });

  it("is never higher than every engine can hold", () => {
    expect(contentHeight(million)).toBeLessThan(ENGINE);
  });

  it("draws only what is seen and a little more", () => {
    const { first, end } = drawn({ ...store, scroll: 40_000 });
    expect(first).toBeLessThanOrEqual(1000);
    expect(end).toBeGreaterThanOrEqual(1014);
    expect(end - first).toBeLessThan(30);
  });

  it("draws nothing where there is nothing, and never beyond its end", () => {
    expect(drawn({ ...store, total: 0 })).toEqual({ first: 0, end: 0 });
    expect(drawn({ ...store, total: 3 })).toEqual({ first: 0, end: 3 });
    expect(drawn({ ...store, total: 3, scroll: 400_000 })).toEqual({ first: 3, end: 3 });
  });

  it.each([store, million])("has its last row at the lower edge when scrolled to the end: %o", (list) => {
    const end = { ...list, scroll: contentHeight(list) - list.height };
    expect(seen(end, list.total - 1)).toBeCloseTo(list.height - list.row, 3);
    expect(drawn(end).end).toBe(list.total);
  });

  it.each([0, 1, 12, 13, 14, 15, 6000, 499_999, 999_986, 999_999])("reveals row %i of a million whole", (index) => {
    for (const scroll of [0, 5_000_000, 14_999_440]) {
      const after = { ...million, scroll: reveal({ ...million, scroll }, index) };
      expect(after.scroll).toBeGreaterThanOrEqual(0);
      expect(seen(after, index)).toBeGreaterThanOrEqual(-0.001);
      expect(seen(after, index) + million.row).toBeLessThanOrEqual(million.height + 0.001);
    }
  });

  it("does not move for a row that is seen already", () => {
    expect(reveal({ ...store, scroll: 4000 }, 105)).toBe(4000);
  });

  it("pages by what is seen but one row, so that a row stays as a mark", () => {
    expect(pageStep(store)).toBe(13);
    expect(pageStep({ height: 10, row: 40 })).toBe(1);
  });

  it("asks for the pages that its rows lie in", () => {
    expect(pagesOf(0, 20, 100)).toEqual([0]);
    expect(pagesOf(95, 101, 100)).toEqual([0, 1]);
    expect(pagesOf(100, 200, 100)).toEqual([1]);
    expect(pagesOf(5, 5, 100)).toEqual([]);
  });
});
