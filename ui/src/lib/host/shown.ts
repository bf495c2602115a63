import { flushSync } from "svelte";
import { vi } from "vitest";

import { settled } from "./fake";

// For tests of whole screens.

/** Waits until the page shows what it was told. */
export async function shown(): Promise<void> {
  flushSync();
  await settled();
  // Screens are read when they are first shown.
  await vi.dynamicImportSettled();
  flushSync();
}

/** Slower than a scanner, whose keys are nobody's shortcuts. */
const BETWEEN_KEYS_MS = 50;

/** Presses keys as a person does, one after the other, where the focus is: `a`, `Enter`, `Ctrl k`. */
export async function press(...keys: string[]): Promise<void> {
  for (const chord of keys) {
    const ctrlKey = chord.startsWith("Ctrl ");
    const key = ctrlKey ? chord.slice("Ctrl ".length) : chord;
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_KEYS_MS));
    const target = document.activeElement ?? document.body;
    target.dispatchEvent(new KeyboardEvent("keydown", { key, ctrlKey, bubbles: true, cancelable: true }));
    await shown();
  }
}

/** Types a whole text into a field. */
export async function type(field: HTMLInputElement | null, text: string): Promise<void> {
  if (!field) throw new Error("there is no field to type into");
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  await shown();
}
