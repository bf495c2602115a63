const FIRST_MS = 250;
const LONGEST_MS = 8000;

/** How long to wait before the n-th attempt (from 0) to connect again: doubles, capped. */
export function backoff(attempt: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
}
