import { mount, unmount } from "svelte";
import { afterEach, describe, expect, it } from "vitest";

import "../lib/host/jsdom";
import App from "../App.svelte";
import { type FakeHost, openHost } from "../lib/host/fake";
import { press, shown } from "../lib/host/shown";
import type { ReportView } from "../lib/rpc/generated";

let app: Record<string, unknown>;

afterEach(() => unmount(app));

const text = (css: string) => document.querySelector(css)?.textContent ?? "";
const none = { count: 0, amount: "0.00" };
const noTimes = { count: 0, median_s: null, longest_s: null, under: [0, 0, 0, 0, 0] as ReportView["to_accept"]["under"] };

const of = (day: string, changes: Partial<ReportView> = {}): ReportView => ({
  day,
  from: `${day}T05:00:00Z`,
  to: `${day}T05:00:00Z`,
  is_running: day === "2017-04-05",
  counted_at: "2017-04-05T20:04:00Z",
  currency: "USD",
  orders: none,
  lines: 0,
  paid: none,
  difference: "0.00",
  approved: none,
  declined: none,
  open: none,
  unsent: 0,
  rejected: [],
  declined_for: [],
  to_accept: noTimes,
  to_decide: noTimes,
  hours: Array.from({ length: 24 }, () => 0),
  marks: [],
  causes: [],
  missing: [],
  shoppers: [],
  ...changes,
});

const mark = (order_id: string, paid: string, percent: string, verdict: "below" | "inside" | "above") => ({
  order_id,
  display_no: order_id.slice(-4),
  expected: "10.00",
  paid,
  percent,
  verdict,
  status: "confirmed" as const,
  decision: "approved" as const,
});

async function reports(changes: Partial<ReportView> = {}): Promise<FakeHost> {
  const host = openHost()
    .answer("report", ({ day }) => of(day ?? "2017-04-05", changes))
    .answer("order", () => {
      throw new Error("not asked for here");
    });
  app = mount(App, { target: document.body, props: { host } });
  await shown();
  await press("g", "r");
  await shown();
  return host;
}

describe("the day", () => {
  it("is the one that goes on, and those before it by a key", async () => {
    const host = await reports();
    expect(text("h1")).toBe("Wednesday 5 April 2017");
    await press("ArrowRight");
    expect(host.asked("report").at(-1)).toEqual({ day: null });
    await press("ArrowLeft");
    await shown();
    expect(text("h1")).toBe("Tuesday 4 April 2017");
    await press("ArrowRight");
    await shown();
    expect(text("h1")).toBe("Wednesday 5 April 2017");
  });

  it("shows each paid order as a mark that opens it, those close to each other piled", async () => {
    await reports({
      paid: { count: 3, amount: "30.00" },
      marks: [mark("1001", "9.00", "90.0", "inside"), mark("1002", "9.10", "91.0", "inside"), mark("1003", "14.00", "140.0", "above")],
    });
    const marks = [...document.querySelectorAll<HTMLElement>(".dots .mark")];
    expect(marks.map((one) => [one.style.left, one.style.bottom])).toEqual([
      ["50%", "30px"],
      ["51%", "50px"],
      ["100%", "30px"],
    ]);
    expect(marks[2]?.textContent).toContain("1003: paid 14.00 of 10.00 expected, Above the range");
    marks[0]?.click();
    await shown();
    expect(document.querySelector("main[aria-label=Orders]")).not.toBeNull();
  });

  it("is written to a table, and says where", async () => {
    const host = await reports();
    host.answer("export_report", () => ({ file: "/data/exports/day-2017-04-05.csv", rows: 15 }));
    await press("x");
    expect(text("[data-testid=reports]")).toContain("15 orders written to /data/exports/day-2017-04-05.csv");
  });
});
