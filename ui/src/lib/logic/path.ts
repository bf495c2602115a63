import type { LinkView } from "../rpc/generated";

export type Station = "this_computer" | "store_internet" | "central";
export type StationState = "ok" | "behind" | "cut" | "unknown";

export const STATIONS: Station[] = ["this_computer", "store_internet", "central"];

/** What is known of the way to central. Behind a cut nothing is known. */
export function pathOf(link: LinkView | null): Record<Station, StationState> {
  const cut = link === null ? 0 : link.state === "up" ? STATIONS.length : STATIONS.indexOf(link.state);
  const state = (station: Station): StationState => {
    const at = STATIONS.indexOf(station);
    if (at > cut || link === null) return "unknown";
    if (at === cut) return "cut";
    return station === "central" && link.catching_up ? "behind" : "ok";
  };
  return { this_computer: state("this_computer"), store_internet: state("store_internet"), central: state("central") };
}
