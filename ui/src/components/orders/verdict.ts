import type { Verdict } from "../../lib/rpc/generated";
import type { ShapeName } from "../shared/Shape.svelte";

/** How an amount's place against its range is drawn: by its points, in the tone of `tone-<verdict>`. */
export const VERDICT_SHAPES: Record<Verdict, ShapeName> = {
  above: "amount-above",
  inside: "amount-inside",
  below: "amount-below",
};
