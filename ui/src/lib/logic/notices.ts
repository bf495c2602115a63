import type { NoticeView } from "../rpc/generated";

/** A second computer works with this desk's data: somebody has to look for it. */
export const isFork = (notice: NoticeView): boolean => notice.why === "forked";

/** Those that are shown, of all that are told, newest first: a copy of this desk, then what is under way, else the newest. */
export function shownNotices(told: NoticeView[]): NoticeView[] {
  const fork = told.find(isFork);
  const underWay = told.filter((notice) => notice.under_way);
  const rest = underWay.length > 0 ? underWay : told.filter((notice) => !isFork(notice)).slice(0, 1);
  return fork ? [fork, ...rest] : rest;
}
