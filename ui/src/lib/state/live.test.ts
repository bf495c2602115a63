import { flushSync } from "svelte";
import { describe, expect, it } from "vitest";

import { held, refusal, settled } from "../host/fake";
import { asCallError, Live } from "./live.svelte";
import { effect } from "./rooted.svelte";

/** A reading whose answers a test hands out one by one. */
function readings() {
  const open: ReturnType<typeof held<number>>[] = [];
  const live = new Live(() => {
    const one = held<number>();
    open.push(one);
    return one.promise;
  });
  return { open, live };
}

describe("a live value", () => {
  it("is shown once it is read", async () => {
    const { open, live } = readings();
    void live.reload();
    expect([live.loading, live.value]).toEqual([true, null]);
    open[0]?.answer(1);
    await settled();
    expect([live.loading, live.value]).toEqual([false, 1]);
  });

  it("is read once more, and not more often, for all that is told while it is being read", async () => {
    const { open, live } = readings();
    void live.reload();
    void live.reload();
    void live.reload();
    void live.reload();
    expect(open.length).toBe(1);
    open[0]?.answer(1);
    await settled();
    expect(open.length).toBe(2);
    open[1]?.answer(2);
    await settled();
    expect([open.length, live.value, live.loading]).toEqual([2, 2, false]);
  });

  it("stays in sight when it cannot be read, with the reason beside it", async () => {
    const { open, live } = readings();
    void live.reload();
    open[0]?.answer(1);
    await settled();
    void live.reload();
    open[1]?.refuse(refusal({ code: "db_error" }));
    await settled();
    expect([live.value, live.error?.code]).toEqual([1, "db_error"]);
    void live.reload();
    open[2]?.answer(3);
    await settled();
    expect([live.value, live.error]).toEqual([3, null]);
  });

  it("is not an answer to a question that was dropped", async () => {
    const { open, live } = readings();
    void live.reload();
    live.reset();
    void live.reload();
    open[0]?.answer(1);
    await settled();
    expect(live.value).toBeNull();
    open[1]?.answer(2);
    await settled();
    expect(live.value).toBe(2);
  });

  it("is read once by an effect that asks for it, and not again whenever it has been read", async () => {
    let readings = 0;
    const live = new Live(async () => ++readings);
    const end = effect(() => void live.reload());
    for (let round = 0; round < 5; round += 1) {
      flushSync();
      await settled();
    }
    end();
    expect([live.value, readings]).toEqual([1, 1]);
  });

  it("that was dropped shows no error of its old question either", async () => {
    const { open, live } = readings();
    void live.reload();
    live.reset();
    open[0]?.refuse(refusal({}));
    await settled();
    expect(live.error).toBeNull();
  });
});

it("whatever is thrown is told as an error with a code", () => {
  expect(asCallError(refusal({ code: "disk_full" })).code).toBe("disk_full");
  expect(asCallError(new TypeError("no"))).toMatchObject({ code: "unexpected", message: "TypeError: no" });
});
