export type Screen = "orders" | "payments" | "catalog" | "sync" | "reports" | "settings";

/** What a press of a key says, as the browser tells it. */
export interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

/**
 * The name of a press in a table of keys: `A`, `Ctrl S`, `Up`, `?`. Letters do not differ by case; `null` for what is
 * never a shortcut: digits, since scanners type them, and what a language needs Alt for.
 */
export function chord(press: Press): string | null {
  if (press.altKey) return null;
  const ctrl = press.ctrlKey || press.metaKey ? "Ctrl " : "";
  if (/^\p{Nd}$/u.test(press.key)) return null;
  const names: Record<string, string> = {
    " ": "Space",
    ArrowUp: "Up",
    ArrowDown: "Down",
    ArrowLeft: "Left",
    ArrowRight: "Right",
    Escape: "Esc",
  };
  const name = names[press.key] ?? (press.key.length === 1 ? press.key.toUpperCase() : press.key);
  return ctrl + name;
}

const SCREENS: Record<string, Screen> = {
  O: "orders",
  P: "payments",
  I: "catalog",
  S: "sync",
  R: "reports",
  ",": "settings",
};

/** The screen a letter names after G. */
export function screenOf(name: string): Screen | null {
  return SCREENS[name] ?? null;
}

/** The letter that names a screen after G. */
export function letterOf(screen: Screen): string {
  return Object.entries(SCREENS).find(([, named]) => named === screen)?.[0] ?? "";
}

/** What has the focus may have a use of its own for a key. */
export interface Focus {
  /** Text is typed here. */
  field: boolean;
  /** Space presses or ticks this. */
  space: boolean;
  /** Enter presses this. */
  enter: boolean;
}

export function focusOf(target: EventTarget | null): Focus {
  const element = target instanceof Element ? target : null;
  const tick = element?.closest("input[type=checkbox], input[type=radio], input[type=range]") != null;
  const field = !tick && element?.closest("input, textarea, select, [contenteditable]") != null;
  const control = element?.closest("button, a[href], summary") != null;
  return { field, space: tick || control, enter: control };
}

/** Keys of the webview itself that would leave, reload or print the page. */
const WEBVIEW = new Set(["F5", "Ctrl R", "Ctrl P", "Ctrl N", "Ctrl F", "Ctrl G", "F3", "Ctrl W", "Ctrl U", "Ctrl T"]);

export function isOfWebview(name: string): boolean {
  return WEBVIEW.has(name);
}
