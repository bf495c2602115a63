import { describe, expect, it } from "vitest";

import { deskSession } from "../host/fake";
import { capacity } from "./capacity";

const now = Date.parse("2017-04-05T12:00:00.000Z");
const at = (minutes: number) => new Date(now + minutes * 60_000).toISOString();
const store = (changes: object) => ({ ...deskSession().store!, ...changes });

describe("whether a store takes orders", () => {
  it("is as always where nobody said otherwise, and again when it is over", () => {
    expect(capacity(null, now)).toEqual({ kind: "open" });
    expect(capacity(store({}), now)).toEqual({ kind: "open" });
    expect(capacity(store({ paused_until: at(0), busy_minutes: 20, busy_until: at(-1) }), now)).toEqual({ kind: "open" });
    expect(capacity(store({ busy_minutes: 0, busy_until: at(5) }), now)).toEqual({ kind: "open" });
  });

  it("is paused before it is busy", () => {
    const both = store({ paused_until: at(5), busy_minutes: 20, busy_until: at(30) });
    expect(capacity(both, now)).toEqual({ kind: "paused", until: at(5) });
    expect(capacity(both, now + 6 * 60_000)).toEqual({ kind: "busy", minutes: 20, until: at(30) });
  });
});
