import { describe, expect, it } from "vitest";

import type { NoticeView } from "../rpc/generated";
import { shownNotices } from "./notices";

const notice = (why: string, under_way = false): NoticeView => ({ at: `2026-11-27T12:00:00.000Z`, why, text: why, under_way });
const words = (told: NoticeView[]) => shownNotices(told).map(({ why }) => why);

describe("notices", () => {
  it("are the newest alone where nothing else matters", () => {
    expect(words([])).toEqual([]);
    expect(words([notice("asked"), notice("copied")])).toEqual(["asked"]);
  });

  it("have a copy of this desk first, however much came later", () => {
    expect(words([notice("digest"), notice("lost"), notice("forked"), notice("forked")])).toEqual(["forked", "digest"]);
    expect(words([notice("forked")])).toEqual(["forked"]);
  });

  it("have all that is under way", () => {
    const told = [notice("cluster", true), notice("restored"), notice("cluster", true), notice("forked")];
    expect(words(told)).toEqual(["forked", "cluster", "cluster"]);
  });
});
