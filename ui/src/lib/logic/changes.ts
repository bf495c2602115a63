import type { ChangeView } from "../rpc/generated";

/** Desk and central changed the same field: a refusal that asks for a choice. */
export function isBothChanged(change: Pick<ChangeView, "state" | "code">): boolean {
  return change.state === "refused" && change.code === "both_changed";
}

/** Whether somebody still waits for central's word on it. */
export function isWaiting(change: Pick<ChangeView, "state">): boolean {
  return change.state !== "received";
}

/** Where the changes are, and since when. */
export interface Pipe {
  savedSince: string | null;
  sentSince: string | null;
  lastReceived: string | null;
  refusedSince: string | null;
  bothChanged: number;
}

/** What the list says beyond the counts of the status. */
export function pipeOf(changes: ChangeView[]): Pipe {
  const times = (belongs: (change: ChangeView) => boolean, at: (change: ChangeView) => string | null) =>
    changes
      .filter(belongs)
      .map(at)
      .filter((time) => time !== null)
      .sort((a, b) => Date.parse(a) - Date.parse(b));
  return {
    savedSince: times((change) => change.state === "held" || change.state === "ready", (change) => change.acted_at)[0] ?? null,
    sentSince: times((change) => change.state === "sent", (change) => change.sent_at)[0] ?? null,
    lastReceived: times((change) => change.state === "received", (change) => change.acked_at).at(-1) ?? null,
    refusedSince: times((change) => change.state === "refused" && !isBothChanged(change), (change) => change.acked_at)[0] ?? null,
    bothChanged: changes.filter(isBothChanged).length,
  };
}

/** The row to stand on after the list was read again: the same change, or what stands where it stood. */
export function keepRow(changes: ChangeView[], selected: string | null, at: number): number {
  const same = changes.findIndex((change) => change.change_id === selected);
  return same >= 0 ? same : Math.max(0, Math.min(at, changes.length - 1));
}
