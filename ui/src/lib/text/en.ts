import { catalog } from "./en/catalog";
import { finding } from "./en/finding";
import { firstRun } from "./en/first-run";
import { frame } from "./en/frame";
import { orders } from "./en/orders";
import { payments } from "./en/payments";
import { people } from "./en/people";
import { reports } from "./en/reports";
import { settings } from "./en/settings";
import { sync } from "./en/sync";

/** Every word on screen, in English. Another language is another value of the same type. */
export const en = { ...frame, finding, orders, payments, people, reports, catalog, sync, settings, firstRun };

export type Texts = typeof en;
