import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Keyboard } from "./keyboard.svelte";

let keyboard: Keyboard;
let gone: string[];
let scanned: string[];
let at = 0;

beforeEach(() => {
  vi.useFakeTimers();
  gone = [];
  scanned = [];
  keyboard = new Keyboard(
    (screen) => gone.push(screen),
    (code) => scanned.push(code),
  );
  document.body.innerHTML = "<input><button>Accept</button><div role=radio tabindex=0></div><input type=checkbox>";
});
afterEach(() => vi.useRealTimers());

/** Presses a key where `selector` is; answers whether the browser still has a use for it. */
function press(key: string, selector = "body", more: KeyboardEventInit & { gapMs?: number } = {}) {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more });
  at += more.gapMs ?? 500;
  const stamp = at;
  Object.defineProperty(event, "timeStamp", { get: () => stamp });
  Object.defineProperty(event, "target", { get: () => document.querySelector(selector) });
  keyboard.press(event);
  return !event.defaultPrevented;
}

describe("keys", () => {
  it("go to the topmost layer that has a use for them", () => {
    const done: string[] = [];
    keyboard.layer(() => ({ A: () => void done.push("below"), R: () => void done.push("reject") }));
    const end = keyboard.layer(() => ({ A: () => void done.push("above") }));
    press("a");
    press("r");
    end();
    press("a");
    expect(done).toEqual(["above", "reject", "below"]);
  });

  it("fall through where the layer above has nothing to do just now", () => {
    const below = vi.fn();
    keyboard.layer(() => ({ Esc: below }));
    keyboard.layer(() => ({ Esc: () => false }));
    press("Escape");
    expect(below).toHaveBeenCalledOnce();
  });

  it("of a screen do not act while a sheet is open, but those of the sheet do", () => {
    const [screen, sheet] = [vi.fn(), vi.fn()];
    keyboard.layer(() => ({ A: screen }));
    keyboard.layer(() => ({ Enter: sheet }), true);
    press("a");
    press("g");
    press("Enter");
    expect([screen.mock.calls.length, sheet.mock.calls.length, keyboard.going]).toEqual([0, 1, false]);
  });

  it("that are used are taken from the browser, all others are left to it", () => {
    keyboard.layer(() => ({ "/": () => {} }));
    expect(press("/")).toBe(false);
    expect(press("x")).toBe(true);
  });

  it("of the webview itself never reach it", () => {
    expect(press("F5")).toBe(false);
    expect(press("p", "body", { ctrlKey: true })).toBe(false);
  });

  it("that somebody has used already do nothing more", () => {
    const accept = vi.fn();
    keyboard.layer(() => ({ A: accept }));
    const event = new KeyboardEvent("keydown", { key: "a", cancelable: true });
    event.preventDefault();
    keyboard.press(event);
    expect(accept).not.toHaveBeenCalled();
  });
});

describe("while somebody types in a field", () => {
  it("letters are its text and Ctrl keys still act", () => {
    const [accept, send] = [vi.fn(), vi.fn()];
    keyboard.layer(() => ({ A: accept, "Ctrl S": send }));
    expect(press("a", "input")).toBe(true);
    press("s", "input", { ctrlKey: true });
    expect([accept.mock.calls.length, send.mock.calls.length]).toEqual([0, 1]);
  });

  it("undo and copy are the field's own", () => {
    const undo = vi.fn();
    keyboard.layer(() => ({ "Ctrl Z": undo, "Ctrl C": undo }));
    press("z", "input", { ctrlKey: true });
    press("c", "input", { ctrlKey: true });
    expect(undo).not.toHaveBeenCalled();
  });

  it("Escape leaves the field first and closes what is around it then", () => {
    const close = vi.fn();
    keyboard.layer(() => ({ Esc: close }));
    const input = document.querySelector("input");
    input?.focus();
    press("Escape", "input");
    expect([document.activeElement, close.mock.calls.length]).toEqual([document.body, 0]);
    press("Escape");
    expect(close).toHaveBeenCalledOnce();
  });
});

describe("Space and Enter", () => {
  it("press the button that has the focus and nothing else", () => {
    const other = vi.fn();
    keyboard.layer(() => ({ Space: other, Enter: other }));
    expect([press(" ", "button"), press("Enter", "button")]).toEqual([true, true]);
    expect(other).not.toHaveBeenCalled();
  });

  it("on a tick or a choice: Space is its own, Enter does what the sheet is for", () => {
    const [seen, reject] = [vi.fn(), vi.fn()];
    keyboard.layer(() => ({ Space: seen, Enter: reject }));
    press(" ", "[type=checkbox]");
    press("Enter", "[type=checkbox]");
    press("Enter", "[role=radio]");
    expect([seen.mock.calls.length, reject.mock.calls.length]).toEqual([0, 2]);
  });
});

describe("G", () => {
  it("and a letter go to a screen", () => {
    press("g");
    expect(keyboard.going).toBe(true);
    press("p");
    expect([gone, keyboard.going]).toEqual([["payments"], false]);
  });

  it("takes the next letter from the screen, also one that names none", () => {
    const accept = vi.fn();
    keyboard.layer(() => ({ A: accept }));
    press("g");
    press("a");
    expect([gone, accept.mock.calls.length]).toEqual([[], 0]);
    press("a");
    expect(accept).toHaveBeenCalledOnce();
  });

  it("waits two seconds and no longer", () => {
    const pay = vi.fn();
    keyboard.layer(() => ({ P: pay }));
    press("g");
    vi.advanceTimersByTime(2001);
    press("p");
    expect([gone, pay.mock.calls.length]).toEqual([[], 1]);
  });
});

describe("a scan", () => {
  const scan = (selector: string) => {
    for (const key of [..."2000000082554", "Enter"]) press(key, selector, { gapMs: 5 });
  };

  it("is one code and not a row of keys", () => {
    const enter = vi.fn();
    keyboard.layer(() => ({ Enter: enter }));
    scan("body");
    expect([scanned, enter.mock.calls.length]).toEqual([["2000000082554"], 0]);
  });

  it("presses no button, whatever has the focus", () => {
    for (const key of "2000000082554") press(key, "button", { gapMs: 5 });
    expect(press("Enter", "button", { gapMs: 5 })).toBe(false);
    expect(scanned).toEqual(["2000000082554"]);
  });

  it("into a field is the field's", () => {
    scan("input");
    expect(scanned).toEqual([]);
  });
});
