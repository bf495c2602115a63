/** Days of a calendar, as `2017-04-05`, and the picture of a day. */

/** The day so many days later. */
export function dayAfter(day: string, days: number): string {
  const at = new Date(`${day}T12:00:00Z`);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

/** As people say it: `Wednesday 5 April 2017`. */
export function dayInWords(day: string): string {
  const at = new Date(`${day}T12:00:00Z`);
  const part = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat("en-US", { ...options, timeZone: "UTC" }).format(at);
  return `${part({ weekday: "long" })} ${at.getUTCDate()} ${part({ month: "long" })} ${at.getUTCFullYear()}`;
}

/** A mark on the line of percents, and how many lie below it. */
export interface Dot<T> {
  of: T;
  /** 0 to 1. */
  x: number;
  level: number;
}

/** From this percent on the line ends. */
export const SCALE = { from: 40, to: 140 } as const;
/** Marks closer than this lie on each other. */
const CLOSE = 0.024;

/** Where each mark stands; what lies beyond the ends stands at them. Those that would cover each other are piled. */
export function dots<T extends { percent: string | null }>(marks: T[]): Dot<T>[] {
  const placed: Dot<T>[] = [];
  for (const of of marks) {
    if (of.percent === null) continue;
    const x = Math.min(1, Math.max(0, (Number(of.percent) - SCALE.from) / (SCALE.to - SCALE.from)));
    const level = placed.filter((dot) => Math.abs(dot.x - x) < CLOSE).length;
    placed.push({ of, x, level });
  }
  return placed;
}
