import { describe, expect, it } from "vitest";

import { chord, focusOf, isOfWebview, letterOf, screenOf, type Press } from "./keys";

const press = (key: string, more: Partial<Press> = {}) =>
  chord({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });

describe("the name of a press", () => {
  it("does not differ by case", () => {
    expect([press("a"), press("A", { shiftKey: true })]).toEqual(["A", "A"]);
  });

  it("is never a digit, of any script", () => {
    expect(["0", "7", "٣", "७"].map((key) => press(key))).toEqual([null, null, null, null]);
    expect(press("1", { ctrlKey: true })).toBeNull();
  });

  it("leaves Alt to the language", () => {
    expect(press("q", { altKey: true })).toBeNull();
    expect(press("@", { altKey: true, ctrlKey: true })).toBeNull();
  });

  it("takes the command key for Ctrl", () => {
    expect([press("s", { ctrlKey: true }), press("s", { metaKey: true })]).toEqual(["Ctrl S", "Ctrl S"]);
  });

  it("is short for arrows, Escape and Space", () => {
    expect([" ", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Escape", "F2", "/"].map((key) => press(key))).toEqual(
      ["Space", "Up", "Down", "Left", "Right", "Esc", "F2", "/"],
    );
  });
});

describe("screens", () => {
  it("have the letters that stand on the rail", () => {
    for (const screen of ["orders", "payments", "catalog", "sync", "settings"] as const) {
      expect(screenOf(letterOf(screen))).toBe(screen);
    }
    expect(screenOf("Z")).toBeNull();
  });
});

describe("the focus", () => {
  const on = (html: string) => {
    document.body.innerHTML = html;
    return focusOf(document.body.querySelector("[data-at]") ?? document.body.firstElementChild);
  };

  it("in a text takes every letter", () => {
    for (const html of ["<input>", "<input type=text>", "<textarea></textarea>", "<div contenteditable></div>"]) {
      expect(on(html).field, html).toBe(true);
    }
  });

  it("on a tick, a choice or a slider leaves letters to the screen", () => {
    for (const type of ["checkbox", "radio", "range"]) {
      const focus = on(`<input type=${type}>`);
      expect([focus.field, focus.space], type).toEqual([false, true]);
    }
  });

  it("on a button keeps Space and Enter for it, also from inside it", () => {
    const focus = on("<button><span data-at>Accept</span></button>");
    expect([focus.space, focus.enter]).toEqual([true, true]);
  });

  it("on a choice of a sheet leaves Enter to the sheet", () => {
    expect(on("<div role=radio tabindex=0></div>").enter).toBe(false);
  });

  it("on the page itself takes nothing", () => {
    expect(focusOf(document)).toEqual({ field: false, space: false, enter: false });
    expect(focusOf(null)).toEqual({ field: false, space: false, enter: false });
  });
});

it("keys that leave, reload or print the page are the webview's", () => {
  expect(["F5", "Ctrl R", "Ctrl P", "Ctrl W"].every(isOfWebview)).toBe(true);
  expect(["Ctrl S", "R", "P", "Esc"].some(isOfWebview)).toBe(false);
});
