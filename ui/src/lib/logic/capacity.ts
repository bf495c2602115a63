import type { StoreView } from "../rpc/generated";
import { secondsTo } from "./format";

/** Whether a store takes orders now: paused, busy by so many minutes, or as always; and until when. */
export type Capacity =
  | { kind: "open" }
  | { kind: "paused"; until: string }
  | { kind: "busy"; minutes: number; until: string };

/** At `now`, milliseconds on central's clock: what is over counts no more, whoever wrote it. */
export function capacity(store: StoreView | null | undefined, now: number): Capacity {
  const lasts = (until: string | null | undefined): until is string => until != null && secondsTo(until, now) > 0;
  if (lasts(store?.paused_until)) return { kind: "paused", until: store.paused_until };
  if (lasts(store?.busy_until) && store.busy_minutes) {
    return { kind: "busy", minutes: store.busy_minutes, until: store.busy_until };
  }
  return { kind: "open" };
}
