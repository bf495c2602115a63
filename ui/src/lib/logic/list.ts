/** The neighbour of a row in a list, which ends at its ends; the first row where the current one is not in it. */
export function neighbour(rows: string[], current: string | null, step: 1 | -1): string | null {
  const at = current === null ? -1 : rows.indexOf(current);
  const next = at < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, at + step));
  return rows[next] ?? null;
}
