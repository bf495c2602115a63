import { minor } from "./gauge";

/** Why a typed price cannot be read. */
export type BadPrice = "decimals" | "negative" | "letters" | "grouping" | "barcode" | "large";

/** What was typed into a price cell, seen beside the price that stands there. */
export type PriceReading =
  | { kind: "empty" }
  | { kind: "wrong"; why: BadPrice }
  | { kind: "same"; value: string }
  | {
      kind: "changed";
      /** With a point and two decimals, as it is sent. */
      value: string;
      /** Tenths of a percent with sign, `null` where the price was nothing. */
      percent: string | null;
      /** So large a change that it may be a slip. */
      unusual: boolean;
    };

/** A change beyond this is asked about, percent. */
const UNUSUAL = 25n;
/** The shortest code that a scanner types, in digits. */
const SHORTEST_CODE = 8;
const LARGEST_DIGITS = 7;

/** Reads a typed price; comma and point both part the decimals. */
export function readPrice(typed: string, now: string): PriceReading {
  const text = typed.trim();
  if (text === "") return { kind: "empty" };
  const why = wrongWith(text);
  if (why) return { kind: "wrong", why };
  const [whole = "", part = ""] = text.replace(",", ".").split(".");
  const value = `${whole.replace(/^0+(?=\d)/, "") || "0"}.${(part + "00").slice(0, 2)}`;
  if (minor(value) === minor(now)) return { kind: "same", value };
  return { kind: "changed", value, percent: percentOf(minor(now), minor(value)), unusual: isUnusual(minor(now), minor(value)) };
}

function wrongWith(text: string): BadPrice | null {
  if (/^[-\u2212]/.test(text)) return "negative";
  if (!/^[\d.,]+$/.test(text) || !/\d/.test(text)) return "letters";
  const [whole = "", ...parts] = text.split(/[.,]/);
  if (parts.length > 1) return "grouping";
  if ((parts[0] ?? "").length > 2) return "decimals";
  if (parts.length === 0 && whole.length >= SHORTEST_CODE) return "barcode";
  return whole.replace(/^0+/, "").length > LARGEST_DIGITS ? "large" : null;
}

function isUnusual(from: bigint, to: bigint): boolean {
  const by = to > from ? to - from : from - to;
  return from > 0n && by * 100n > UNUSUAL * from;
}

/** Rounded half up to a tenth; whole numbers only, so that no cent is lost on the way. */
function percentOf(from: bigint, to: bigint): string | null {
  if (from <= 0n) return null;
  const by = to > from ? to - from : from - to;
  const tenths = (by * 2000n + from) / (2n * from);
  const sign = to > from ? "+" : "\u2212";
  return `${sign}${tenths / 10n}.${tenths % 10n}`;
}
