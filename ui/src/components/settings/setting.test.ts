import { describe, expect, it } from "vitest";

import { held, refusal, settled } from "../../lib/host/fake";
import { Setting } from "./setting.svelte";

/** A setting whose saves a test ends one by one. */
function saves() {
  const open: { value: string; end: ReturnType<typeof held<null>> }[] = [];
  const setting = new Setting((value) => {
    const end = held<null>();
    open.push({ value, end });
    return end.promise;
  });
  setting.read("5");
  return { open, setting };
}

describe("a setting", () => {
  it("is shown at once and said to be saved only when it is", async () => {
    const { open, setting } = saves();
    void setting.choose("10");
    expect([setting.shown, setting.state]).toEqual(["10", "saving"]);
    open[0]?.end.answer(null);
    await settled();
    expect([setting.shown, setting.state]).toEqual(["10", "saved"]);
  });

  it("that is refused goes back to what is saved, with the reason", async () => {
    const { open, setting } = saves();
    void setting.choose("10");
    open[0]?.end.refuse(refusal({ code: "disk_full" }));
    await settled();
    expect([setting.shown, setting.state, setting.error?.code]).toEqual(["5", "still", "disk_full"]);
  });

  it("goes back to the newest saved value, not to the first", async () => {
    const { open, setting } = saves();
    void setting.choose("10");
    open[0]?.end.answer(null);
    await settled();
    void setting.choose("15");
    open[1]?.end.refuse(refusal({}));
    await settled();
    expect(setting.shown).toBe("10");
  });

  it("saves the newest of the choices that were made meanwhile, and only that", async () => {
    const { open, setting } = saves();
    for (const value of ["10", "20", "30"]) void setting.choose(value);
    open[0]?.end.answer(null);
    await settled();
    open[1]?.end.answer(null);
    await settled();
    expect(open.map((save) => save.value)).toEqual(["10", "30"]);
    expect([setting.shown, setting.state]).toEqual(["30", "saved"]);
  });

  it("forgets its error with the next choice", async () => {
    const { open, setting } = saves();
    void setting.choose("10");
    open[0]?.end.refuse(refusal({}));
    await settled();
    void setting.choose("15");
    expect(setting.error).toBeNull();
  });
});
