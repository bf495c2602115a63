import { describe, expect, it } from "vitest";

import { neighbour } from "./list";

describe("walking a list", () => {
  it("goes one row at a time and stays at the ends", () => {
    expect(neighbour(["a", "b", "c"], "a", 1)).toBe("b");
    expect(neighbour(["a", "b", "c"], "c", 1)).toBe("c");
    expect(neighbour(["a", "b", "c"], "a", -1)).toBe("a");
  });

  it("begins at the top from a row that has left the list, and nowhere in an empty one", () => {
    expect(neighbour(["a", "b"], "gone", 1)).toBe("a");
    expect(neighbour(["a", "b"], null, -1)).toBe("a");
    expect(neighbour([], "a", 1)).toBeNull();
  });
});
