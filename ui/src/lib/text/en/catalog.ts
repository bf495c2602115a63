import type { BadPrice } from "../../logic/price";

const figure = (n: number) => n.toLocaleString("en-US");

export const catalog = {
  grid: "Items",
  total: (n: number) => `${figure(n)} ${n === 1 ? "item" : "items"}`,
  found: (n: number, all: number | null, capped: boolean) =>
    `${figure(n)}${capped ? " or more" : ""}${all === null ? "" : ` of ${figure(all)}`} ${(all ?? n) === 1 ? "item" : "items"}`,
  matching: (text: string) => `for \u201c${text}\u201d`,
  showAll: "Show all",
  column: {
    item: "Item",
    barcode: "Barcode",
    category: "Category",
    price: "Unit price",
    availability: "Availability",
    central: "Central has it?",
  },
  nothingToSend: "nothing to send",
  noBarcode: "none",
  available: "In stock",
  outOfStock: "Out of stock",
  outUntil: (at: string) => `Out until ${at}`,
  action: {
    editPrice: "Edit price",
    outOfStock: "Out of stock",
    available: "Back in stock",
    history: "History",
  },
  undo: (text: string, code: string | null) => (code === null ? text : `${text} on \u2026${code}`),
  price: {
    label: (name: string) => `Unit price of ${name}`,
    empty: "Type the price of one unit, such as 2.99.",
    same: (value: string) => `${value} each, as it is now.`,
    changed: (value: string, was: string, percent: string | null) =>
      `${value} each, was ${was}${percent === null ? "" : `: ${percent} %`}`,
    unusual: "More than 25 %.",
    twice: "twice to keep it,",
    once: "again to keep it,",
    leave: "to leave it.",
    keep: "keeps it,",
    next: "goes on,",
    leaves: "leaves it.",
    wrong: {
      decimals: "A price has two decimals at most",
      negative: "A price is zero or more",
      letters: "This is not a price",
      grouping: "One point or one comma only",
      barcode: "This is a barcode, not a price",
      large: "This is too large for a price",
    } satisfies Record<BadPrice, string>,
    wrongDo: {
      decimals: "Write it with two, such as 1.23.",
      negative: "Write it without the minus sign.",
      letters: "Write digits and a point, such as 2.99.",
      grouping: "Write thousands without a sign between them: 1234.50.",
      barcode: "Leave the cell first, then scan: the list goes to that item.",
      large: "Write it with at most seven digits before the point.",
    } satisfies Record<BadPrice, string>,
  },
  availability: {
    label: (name: string) => `Availability of ${name}`,
    choose: "choose,",
  },
  history: {
    title: "History of the current item",
    price: "Unit price",
    barcode: "Barcode",
    category: "Category",
    availability: "Availability",
    prices: "Price history",
    noPrices: "Not changed since it came from central.",
    from: (old: string) => `from ${old}`,
    first: "first price",
    where: (source: string) =>
      (({ here: "at this desk", central: "from central", import: "by an import" }) as Record<string, string>)[source] ?? source,
    timeline: "What happened",
    noTimeline: "Nothing was done to it at this desk.",
    centralDid: "Central",
    unread: "The history cannot be read",
    none: "Choose an item to see its prices and what was done to it.",
  },
  reading: {
    title: "Reading the catalog",
    text: "Central's items come in for the first time. Orders are already live; this list fills by itself.",
    behind: (n: number) => `${figure(n)} messages are still to be read.`,
  },
  offline: {
    title: "No items yet",
    text: "The line to central is down, and its items have never been read here. They come by themselves when the line is back.",
  },
  empty: {
    title: "No items yet",
    text: "Central has sent no item for this store. Ask central whether the catalog of this store is published; items appear here by themselves.",
  },
  nothing: {
    title: (text: string) => `Nothing found for \u201c${text}\u201d`,
    text: "Words are found from their first letters on, in any order, in names and categories. Type fewer letters, or a barcode.",
    code: (text: string) => `No item has the barcode ${text}`,
    codeText: "Scan it again, or look for its name. An item that is new to the store comes from central.",
  },
  unread: "The catalog cannot be read",
};
