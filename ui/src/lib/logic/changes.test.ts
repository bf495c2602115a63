import { describe, expect, it } from "vitest";

import type { ChangeView } from "../rpc/generated";
import { isBothChanged, isWaiting, keepRow, pipeOf } from "./changes";

const change = (change_id: string, more: Partial<ChangeView>): ChangeView => ({
  change_id,
  type: "item.changed",
  text: "Unit price 1.85 to 1.79",
  subject: "item/1",
  subject_label: "Milk",
  state: "ready",
  by: "Ilse",
  acted_at: "2017-04-05T20:40:00Z",
  lane: "catalog",
  seq: null,
  partition: null,
  offset: null,
  sent_at: null,
  acked_at: null,
  code: null,
  message: null,
  replaces: null,
  will_be_refused: null,
  hold_ms: null,
  undoable: true,
  ...more,
});

describe("a change", () => {
  it("that was refused because both changed the field asks for a choice", () => {
    expect(isBothChanged(change("a", { state: "refused", code: "both_changed" }))).toBe(true);
    expect(isBothChanged(change("a", { state: "refused", code: "changed" }))).toBe(false);
  });

  it("waits until central has it", () => {
    expect(isWaiting(change("a", { state: "sent" }))).toBe(true);
    expect(isWaiting(change("a", { state: "received" }))).toBe(false);
  });
});

describe("the pipe", () => {
  it("says the oldest of what waits and the newest of what arrived", () => {
    const pipe = pipeOf([
      change("a", { state: "refused", code: "changed", acked_at: "2017-04-05T18:31:00Z" }),
      change("b", { state: "refused", code: "both_changed", acked_at: "2017-04-05T18:00:00Z" }),
      change("c", { acted_at: "2017-04-05T20:40:30Z" }),
      change("d", { state: "held", acted_at: "2017-04-05T20:40:10Z" }),
      change("e", { state: "sent", sent_at: "2017-04-05T20:39:00Z" }),
      change("f", { state: "received", acked_at: "2017-04-05T20:35:04Z" }),
      change("g", { state: "received", acked_at: "2017-04-05T20:25:02Z" }),
    ]);
    expect(pipe).toEqual({
      savedSince: "2017-04-05T20:40:10Z",
      sentSince: "2017-04-05T20:39:00Z",
      lastReceived: "2017-04-05T20:35:04Z",
      refusedSince: "2017-04-05T18:31:00Z",
      bothChanged: 1,
    });
  });

  it("says nothing of what is not there", () => {
    expect(pipeOf([])).toEqual({
      savedSince: null,
      sentSince: null,
      lastReceived: null,
      refusedSince: null,
      bothChanged: 0,
    });
  });
});

describe("the selected row", () => {
  const list = [change("a", {}), change("b", {}), change("c", {})];

  it("stays on its change wherever that moves", () => {
    expect(keepRow(list, "c", 0)).toBe(2);
  });

  it("stays in its place when its change is gone", () => {
    expect(keepRow(list, "gone", 1)).toBe(1);
    expect(keepRow(list, "gone", 9)).toBe(2);
    expect(keepRow([], "gone", 3)).toBe(0);
  });
});
