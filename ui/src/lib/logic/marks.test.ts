import { describe, expect, it } from "vitest";

import { marked } from "./marks";

/** What is marked stands in brackets. */
const shown = (name: string, text: string) =>
  marked(name, text)
    .map((piece) => (piece.found ? `[${piece.text}]` : piece.text))
    .join("");

describe("what is marked in a name", () => {
  it("is the beginning of words, whatever their case and order", () => {
    expect(shown("Fluid Milk White Only", "mi")).toBe("Fluid [Mi]lk White Only");
    expect(shown("Fluid Milk White Only", "WHITE flu")).toBe("[Flu]id Milk [White] Only");
  });

  it("is one mark over neighbouring words", () => {
    expect(shown("Fluid Milk White Only", "fluid milk")).toBe("[Fluid Milk] White Only");
  });

  it("is not the middle of a word", () => {
    expect(shown("Buttermilk", "milk")).toBe("Buttermilk");
  });

  it("is found without accents", () => {
    expect(shown("Crème fraîche", "creme frai")).toBe("[Crème fraî]che");
  });

  it("is nothing while nothing is looked for", () => {
    expect(marked("Milk", " ")).toEqual([{ text: "Milk", found: false }]);
    expect(marked("", "milk")).toEqual([{ text: "", found: false }]);
  });

  it("is found behind signs that are no letters", () => {
    expect(shown("Milk, .5 GAL (own brand)", "5 own")).toBe("Milk, .[5] GAL ([own] brand)");
  });
});
