/** A long list of rows of one height, as far as its picture goes. */
export interface RowList {
  /** How many rows there are. */
  total: number;
  /** Height of each, pixels. */
  row: number;
  /** Height in which they are seen, pixels. */
  height: number;
  /** How far the list is scrolled, pixels of the scroll bar. */
  scroll: number;
}

/** Engines cut what is higher: WebKit at 33.5, Gecko at 17.8 million pixels. */
const HIGHEST = 15_000_000;
/** Rows drawn beyond each edge, so that a quick turn of the wheel finds them there. */
const SPARE = 6;

/** Height of the scrolled content: that of all rows, or as much as every engine can hold. */
export function contentHeight(list: Pick<RowList, "total" | "row">): number {
  return Math.min(list.total * list.row, HIGHEST);
}

/** Pixels of rows that pass for one pixel of the scroll bar; 1 unless the rows together are too high. */
function ratio({ total, row, height }: RowList): number {
  const full = total * row;
  return full <= HIGHEST ? 1 : (full - height) / (HIGHEST - height);
}

/** How far the rows themselves are moved up. */
function moved(list: RowList): number {
  return list.scroll * ratio(list);
}

/** The rows to draw: from `first` up to, not including, `end`. */
export function drawn(list: RowList): { first: number; end: number } {
  const top = moved(list);
  const first = Math.max(0, Math.floor(top / list.row) - SPARE);
  const end = Math.min(list.total, Math.ceil((top + list.height) / list.row) + SPARE);
  return { first: Math.min(first, Math.max(0, end)), end: Math.max(0, end) };
}

/** Where a row stands in the scrolled content. */
export function top(list: RowList, index: number): number {
  return list.scroll + index * list.row - moved(list);
}

/** Where to scroll so that a row is seen whole; as it is, where it is seen already. */
export function reveal(list: RowList, index: number): number {
  const scale = ratio(list);
  const start = index * list.row;
  const now = moved(list);
  if (start < now) return Math.max(0, Math.floor(start / scale));
  if (start + list.row > now + list.height) return Math.ceil((start + list.row - list.height) / scale);
  return list.scroll;
}

/** How many rows a page of the keyboard moves. */
export function pageStep({ height, row }: Pick<RowList, "height" | "row">): number {
  return Math.max(1, Math.floor(height / row) - 1);
}

/** The pages of `size` rows in which the rows from `first` up to `end` lie. */
export function pagesOf(first: number, end: number, size: number): number[] {
  if (end <= first) return [];
  const from = Math.floor(first / size);
  return Array.from({ length: Math.floor((end - 1) / size) - from + 1 }, (_, at) => from + at);
}
