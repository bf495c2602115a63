import { CallError } from "../host/host";

function asCallError(error: unknown): CallError {
  if (error instanceof CallError) return error;
  return new CallError({ code: "unexpected", message: String(error), hint: null, retryable: false });
}

/**
 * A value that is read by a command and read again when it may have changed. However often that is asked, one reading
 * is under way and at most one more waits behind it; an answer that is older than the newest question is not shown.
 */
export class Live<T> {
  value: T | null = $state.raw(null);
  error: CallError | null = $state.raw(null);
  loading = $state(false);
  #read: () => Promise<T>;
  /** As `loading`, but no state: an effect that reads again must not run again whenever a reading ends. */
  #reading = false;
  #again = false;
  #turn = 0;

  constructor(read: () => Promise<T>) {
    this.#read = read;
  }

  /** Reads again, now or as soon as the reading under way is done. */
  async reload(): Promise<void> {
    if (this.#reading) {
      this.#again = true;
      return;
    }
    const turn = this.#turn;
    this.#reading = true;
    this.loading = true;
    try {
      const value = await this.#read();
      if (turn === this.#turn) {
        this.value = value;
        this.error = null;
      }
    } catch (error) {
      if (turn === this.#turn) this.error = asCallError(error);
    } finally {
      this.#reading = false;
      this.loading = false;
    }
    if (this.#again) {
      this.#again = false;
      await this.reload();
    }
  }

  /** Forgets the value: what is on its way belongs to an older question. */
  reset(): void {
    this.#turn += 1;
    this.value = null;
    this.error = null;
  }
}

export { asCallError };
