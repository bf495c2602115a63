import type { Verdict } from "../rpc/generated";

/** Where the authorised range begins and ends, in percent of the width: always the middle half. */
export const LO = 25;
export const HI = 75;
/** The mark never comes closer than this to the edge of the picture. */
const EDGE = 6;
/** An amount outside keeps at least this much clear of the range's end. */
const CLEAR = 2.5;

/** Minor units of a decimal amount as it stands in an answer ("-4.71" is -471n, "12" is 1200n). */
export function minor(amount: string): bigint {
  const negative = amount.startsWith("-");
  const [whole = "0", part = ""] = amount.replace(/^[-+]/, "").split(".");
  const units = BigInt(whole || "0") * 100n + BigInt((part + "00").slice(0, 2));
  return negative ? -units : units;
}

/** The decimal amount of minor units, as answers write it. */
export function fromMinor(units: bigint): string {
  const digits = (units < 0n ? -units : units).toString().padStart(3, "0");
  return `${units < 0n ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** The first amount minus the second, to the cent. */
export function minus(a: string, b: string): string {
  return fromMinor(minor(a) - minor(b));
}

/** The sum of amounts, to the cent. */
export function sum(amounts: string[]): string {
  return fromMinor(amounts.reduce((total, amount) => total + minor(amount), 0n));
}

/** How an amount lies to a range. */
export function verdictOf(amount: string, lo: string, hi: string): Verdict {
  const units = minor(amount);
  if (units < minor(lo)) return "below";
  return units > minor(hi) ? "above" : "inside";
}

/**
 * Where an amount stands on the gauge, in percent of its width. Linear; the range fills the middle half, an amount
 * outside by a cent is drawn clearly outside, and one far out stops before the edge.
 */
export function place(amount: string, lo: string, hi: string): number {
  const [at, from, to] = [minor(amount), minor(lo), minor(hi)];
  const width = to - from;
  const verdict = verdictOf(amount, lo, hi);
  // Hundredths of a percent keep the arithmetic whole; the figures carry the truth, this only draws.
  const linear = width > 0n ? LO + Number(((at - from) * 10000n * BigInt(HI - LO)) / width) / 10000 : (LO + HI) / 2;
  if (verdict === "below") return Math.max(EDGE, Math.min(linear, LO - CLEAR));
  if (verdict === "above") return Math.min(100 - EDGE, Math.max(linear, HI + CLEAR));
  return Math.max(LO, Math.min(HI, linear));
}

/** How far a label must move so that two labels `gap` percent apart do not cover each other; the ends stay. */
export function keepApart(at: number, gap: number): number {
  const near = Math.min(HI - gap, Math.max(LO + gap, at));
  return HI - LO >= 2 * gap ? near : at;
}
