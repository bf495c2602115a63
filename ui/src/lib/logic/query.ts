import type { OrdersQuery } from "../rpc/generated";
import { t } from "../text";

/** What a question asks, in a few words. */
export function summary(query: OrdersQuery): string {
  const { text, stages, period, day, keeper, flags } = query;
  return [
    text.trim() === "" ? [] : [`"${text.trim()}"`],
    stages.map((one) => t.orders.status[one]),
    day !== null ? [day] : period === "any" ? [] : [t.finding.period[period]],
    keeper === "any" ? [] : [t.finding.keeper[keeper]],
    flags.map((one) => t.finding.flag[one]),
  ]
    .flat()
    .join(", ");
}
