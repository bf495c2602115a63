import type { ChangeView } from "../../lib/rpc/generated";
import { t } from "../../lib/text";

/** Seconds that a change is still held, `sinceRead` milliseconds after it was read. */
export function secondsHeld(change: ChangeView, sinceRead: number): number {
  return Math.max(0, Math.ceil(((change.hold_ms ?? 0) - sinceRead) / 1000));
}

/** What shows how far a change has come: its place in the cluster, its number, or when it leaves. */
export function proof(change: ChangeView, sinceRead: number): string {
  if (change.will_be_refused) return t.sync.proof.willBeRefused;
  if (change.partition !== null && change.offset !== null) return t.sync.proof.place(change.partition, change.offset);
  if (change.seq !== null) return t.sync.proof.seq(change.seq);
  if (change.state === "held") return t.sync.proof.leaves(secondsHeld(change, sinceRead));
  return t.sync.proof.noNumber;
}
