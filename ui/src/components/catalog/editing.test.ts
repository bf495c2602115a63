import { describe, expect, it } from "vitest";

import { CallError } from "../../lib/host/host";
import type { EditItem, ItemView } from "../../lib/rpc/generated";
import type { Desk } from "../../lib/state/desk.svelte";
import { ItemEditing } from "./editing.svelte";

const milk: ItemView = {
  item_id: "7",
  barcode: "2000008387699",
  name: "Milk",
  category: null,
  unit_price: "2.19",
  availability: "available",
  available_until: null,
  version: 1,
  sync: null,
};

function editingOn(refuses: CallError | null) {
  const sent: EditItem["fields"][] = [];
  const told: unknown[] = [];
  const desk = {
    problem: null,
    tell: (error: unknown) => told.push(error),
    host: {
      call: (_: string, edit: EditItem) => {
        sent.push(edit.fields);
        const undo = { change_id: "c", text: "Unit price 2.19 to 2.29", hold_ms: 0 };
        return refuses ? Promise.reject(refuses) : Promise.resolve({ change_id: "c", undo });
      },
    },
  } as unknown as Desk;
  const editing = new ItemEditing(desk);
  editing.begin(milk, "unit_price");
  return { editing, sent, told };
}

describe("a price cell", () => {
  it("sends a usual price at the first Enter, with a point, and offers its undo", async () => {
    const { editing, sent } = editingOn(null);
    editing.typed("2,29");
    expect(await editing.keep(milk)).toBe(true);
    expect(sent).toEqual([{ unit_price: "2.29" }]);
    expect(editing.itemId).toBeNull();
    expect(editing.last).toMatchObject({ itemId: "7", code: "7699", undo: { change_id: "c" } });
  });

  it("asks for Enter twice when the price changes by more than a quarter, and again after more was typed", async () => {
    const { editing, sent } = editingOn(null);
    editing.typed("2.99");
    expect(await editing.keep(milk)).toBe(false);
    editing.typed("3.99");
    expect(await editing.keep(milk)).toBe(false);
    expect(sent).toEqual([]);
    expect(await editing.keep(milk)).toBe(true);
    expect(sent).toEqual([{ unit_price: "3.99" }]);
  });

  it("sends nothing that cannot be read, and nothing that is the same", async () => {
    const { editing, sent } = editingOn(null);
    editing.typed("1.234");
    expect(await editing.keep(milk)).toBe(false);
    editing.typed("2,19");
    expect(await editing.keep(milk)).toBe(true);
    expect(sent).toEqual([]);
  });

  it("keeps what was typed when the edit is refused", async () => {
    const refusal = new CallError({ code: "not_allowed", message: "not allowed", hint: null, retryable: false });
    const { editing, told } = editingOn(refusal);
    editing.typed("2.29");
    expect(await editing.keep(milk)).toBe(false);
    expect([editing.itemId, editing.text]).toEqual(["7", "2.29"]);
    expect(told).toEqual([refusal]);
    expect(editing.last).toBeNull();
  });
});
