import { expect, it } from "vitest";

import { everything } from "../state/filtering.svelte";
import { summary } from "./query";

it("a question is told in few words", () => {
  const query = { ...everything, text: " milk ", stages: ["running" as const], period: "week" as const, flags: ["late" as const] };
  expect(summary(query)).toBe('"milk", Picking, 7 days, Late');
  expect(summary({ ...everything, keeper: "me" })).toBe("Me");
});
