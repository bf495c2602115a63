/** Faster than anybody types: from one character of a scanner to its next, milliseconds. */
const GAP_MS = 40;
/** The shortest code that a scanner sends: GTIN-8. */
const SHORTEST = 6;

/**
 * Recognises a scanner among the keys: characters in a quick row, ended by Enter. `take` answers the code at its Enter,
 * `"burst"` while the row is quick enough to be one, so that nothing else acts on it, and `null` for a person's key.
 */
export class Scanner {
  #text = "";
  #last = Number.NEGATIVE_INFINITY;

  take(key: string, at: number): { code: string } | "burst" | null {
    const quick = at - this.#last <= GAP_MS;
    this.#last = at;
    if (key === "Enter") {
      const code = quick && this.#text.length >= SHORTEST ? this.#text : null;
      this.#text = "";
      return code ? { code } : null;
    }
    if (!/^[0-9A-Za-z]$/.test(key)) {
      this.#text = "";
      return null;
    }
    this.#text = quick ? this.#text + key : key;
    return this.#text.length > 1 ? "burst" : null;
  }
}
