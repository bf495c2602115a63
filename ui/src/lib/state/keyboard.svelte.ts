import { getContext, setContext } from "svelte";

import { chord, focusOf, isOfWebview, screenOf, type Focus, type Screen } from "../logic/keys";
import { Scanner } from "../logic/scanner";

/** What a key does. Answers false where it has nothing to do just now: the next layer is asked. */
export type Action = (event: KeyboardEvent) => boolean | void;

/** An action that people find by its name as well. */
export interface NamedAction {
  name: string;
  /** Whether it does something just now: what does not is not offered. */
  can?: boolean;
  run: () => boolean | void;
}

/** A named action and its key. */
export interface Offer extends NamedAction {
  key: string;
}

export type Keys = Record<string, Action | NamedAction>;

function isDone(action: Action | NamedAction, event: KeyboardEvent): boolean {
  return (typeof action === "function" ? action(event) : action.run()) !== false;
}

interface Layer {
  keys: () => Keys;
  /** Keys of the layers below do not act while this one is there: a sheet is open. */
  covers: boolean;
}

/** How long G waits for the letter of a screen. */
const GO_MS = 2000;
/** Keys that act in a text field as well: a person who types means them. */
const IN_FIELDS = /^(Ctrl .*|F\d+)$/;
/** But these are the field's own. */
const OF_FIELDS = new Set(["Ctrl Z", "Ctrl A", "Ctrl C", "Ctrl V", "Ctrl X", "Ctrl Y"]);

/** What a scanned code does. Answers false where it is nothing here: whoever listened before is asked. */
export type Scan = (code: string) => boolean | void;

/** Hands every key to the topmost layer that has a use for it. One for the whole page. */
export class Keyboard {
  /** G was pressed: the rail shows its letters. */
  going = $state(false);
  #layers: Layer[] = [];
  #scans: Scan[] = [];
  #scanner = new Scanner();
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #go: (screen: Screen) => void;
  readonly #scan: (code: string) => void;

  constructor(go: (screen: Screen) => void, scan: (code: string) => void) {
    this.#go = go;
    this.#scan = scan;
  }

  /**
   * Adds a layer on top; the returned function takes it away. For `$effect.pre`, which runs for a part of the page before it
   * does for what is inside: what is inside has the keys first.
   */
  layer(keys: () => Keys, covers = false): () => void {
    const layer = { keys, covers };
    this.#layers.push(layer);
    return () => {
      this.#layers = this.#layers.filter((other) => other !== layer);
    };
  }

  /** Listens to the scanner before all others; the returned function ends it. For `$effect.pre`. */
  scans(scan: Scan): () => void {
    this.#scans.push(scan);
    return () => {
      this.#scans = this.#scans.filter((other) => other !== scan);
    };
  }

  /** Every action with a name that can be done now, those of the topmost layer first. */
  offers(): Offer[] {
    const offers = new Map<string, Offer>();
    for (const layer of this.#layers.toReversed()) {
      for (const [key, action] of Object.entries(layer.keys())) {
        if (typeof action !== "function" && action.can !== false && !offers.has(key)) offers.set(key, { ...action, key });
      }
      if (layer.covers) break;
    }
    return [...offers.values()];
  }

  /** For the window's `keydown`. */
  press(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing) return;
    const focus = focusOf(event.target);
    if (!focus.field && this.#scanned(event)) return;
    const name = chord(event);
    if (name === null) return;
    if (this.#isTaken(name, event, focus) || isOfWebview(name)) event.preventDefault();
  }

  #scanned(event: KeyboardEvent): boolean {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const taken = this.#scanner.take(event.key, event.timeStamp);
    if (taken === null) return false;
    event.preventDefault();
    if (taken === "burst") return true;
    const { code } = taken;
    if (this.#scans.toReversed().every((scan) => scan(code) === false)) this.#scan(code);
    return true;
  }

  #isTaken(name: string, event: KeyboardEvent, focus: Focus): boolean {
    if (focus.field && name === "Esc") {
      // The field is left first; a second press closes what is around it.
      if (event.target instanceof HTMLElement) event.target.blur();
      return true;
    }
    if (focus.field && (!IN_FIELDS.test(name) || OF_FIELDS.has(name))) return false;
    if ((focus.space && name === "Space") || (focus.enter && name === "Enter")) return false;
    if (this.going) {
      const screen = screenOf(name);
      this.#endGoing();
      if (screen) this.#go(screen);
      return true;
    }
    for (const layer of this.#layers.toReversed()) {
      const action = layer.keys()[name];
      if (action && isDone(action, event)) return true;
      if (layer.covers) return false;
    }
    if (name === "G" && !event.repeat) {
      this.going = true;
      this.#timer = setTimeout(() => this.#endGoing(), GO_MS);
      return true;
    }
    return false;
  }

  #endGoing(): void {
    clearTimeout(this.#timer);
    this.going = false;
  }
}

const KEY = Symbol("keyboard");

export function provideKeyboard(keyboard: Keyboard): void {
  setContext(KEY, keyboard);
}

export function useKeyboard(): Keyboard {
  return getContext<Keyboard>(KEY);
}
