/** Seconds as 4:18, from an hour as 2 h 17 min. Negative durations count as none. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 3600) return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

/** Seconds in whole minutes, from an hour with hours: 43 min, 1 h 5 min. */
export function minutes(seconds: number): string {
  const m = Math.max(0, Math.floor(seconds / 60));
  return m < 60 ? `${m} min` : `${Math.floor(m / 60)} h ${m % 60} min`;
}

/** How long something has waited: 45 s, 10 min, 2 h 17 min, 3 days. */
export function age(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  return s < 86_400 ? minutes(s) : `${Math.floor(s / 86_400)} ${s < 172_800 ? "day" : "days"}`;
}

/** 1234.50 as 1,234.50, with a true minus sign; the digits are never recomputed. */
export function amount(text: string): string {
  const negative = text.startsWith("-");
  const [whole = "0", part] = text.replace(/^[-+]/, "").split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return (negative ? "\u2212" : "") + (part === undefined ? grouped : `${grouped}.${part}`);
}

/** A difference: its sign is always written, zero has none. */
export function signed(text: string): string {
  return /^[-+]?[0.]*$/.test(text) || text.startsWith("-") ? amount(text.replace(/^[-+](?=[0.]*$)/, "")) : `+${amount(text)}`;
}

/** An amount with its currency, as it stands once beside the headline. */
export function money(text: string, currency: string): string {
  const parts = new Intl.NumberFormat("en-US", { style: "currency", currency, currencyDisplay: "narrowSymbol" })
    .formatToParts(0)
    .find((part) => part.type === "currency");
  const symbol = parts?.value ?? currency;
  const shown = amount(text);
  const spaced = /[A-Za-z]$/.test(symbol) ? `${symbol} ` : symbol;
  return shown.startsWith("\u2212") ? `\u2212${spaced}${shown.slice(1)}` : spaced + shown;
}

function parts(at: string, zone: string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options }).format(new Date(at));
}

/** Time of day in the store, with the date when it is not the day of `now`. */
export function clock(at: string, zone: string, now: number, seconds = false): string {
  const day: Intl.DateTimeFormatOptions = { day: "numeric", month: "short", year: "numeric" };
  const time = parts(at, zone, { hour: "2-digit", minute: "2-digit", ...(seconds ? { second: "2-digit" } : {}) });
  const date = parts(at, zone, day);
  const today = parts(new Date(now).toISOString(), zone, day);
  if (date === today) return time;
  const short = date.slice(-4) === today.slice(-4) ? date.slice(0, -5) : date;
  return `${short} ${time}`;
}

/** 1st, 2nd, 3rd, 11th. */
export function ordinal(n: number): string {
  const rule = new Intl.PluralRules("en", { type: "ordinal" }).select(n);
  const endings: Partial<Record<Intl.LDMLPluralRule, string>> = { one: "st", two: "nd", few: "rd" };
  return `${n}${endings[rule] ?? "th"}`;
}

/** How much room something takes on the disk: 512 B, 9 kB, 12.4 MB. */
export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB"];
  const step = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const figure = bytes / 1000 ** step;
  return `${step < 2 ? Math.round(figure) : figure.toFixed(1)} ${units[step]}`;
}

/** Seconds from `now` (milliseconds) to a time; negative once it has passed. */
export function secondsTo(at: string, now: number): number {
  return (Date.parse(at) - now) / 1000;
}
