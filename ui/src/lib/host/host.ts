import type { Commands, Event, RpcError } from "../rpc/generated";

/** Whether events are coming in. `down` until the first connection stands. */
export type Hearing = "up" | "down";

export interface Listener {
  event(event: Event): void;
  hearing(state: Hearing): void;
}

/** What a page needs of the program around it: commands to call and events to hear. */
export interface Host {
  call<M extends keyof Commands>(method: M, params: Commands[M]["params"]): Promise<Commands[M]["result"]>;
  /** Begins to listen; the returned function ends it. */
  listen(listener: Listener): () => void;
}

/** A command that was refused, with what to do about it. */
export class CallError extends Error {
  readonly code: string;
  readonly hint: string | null;
  readonly retryable: boolean;

  constructor(error: RpcError) {
    super(error.message);
    this.name = "CallError";
    this.code = error.code;
    this.hint = error.hint;
    this.retryable = error.retryable;
  }
}
