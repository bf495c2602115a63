import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";

import type { Commands, Event, RpcError } from "../rpc/generated";
import { CallError, type Host, type Listener } from "./host";

/** The channel on which the shell tells the desk's events. */
const EVENTS = "aisle";

function isRpcError(value: unknown): value is RpcError {
  return typeof value === "object" && value !== null && "code" in value && "message" in value;
}

/** The desk's own window: the shell is in the same process and answers without a network. */
export class TauriHost implements Host {
  async call<M extends keyof Commands>(
    method: M,
    params: Commands[M]["params"],
  ): Promise<Commands[M]["result"]> {
    try {
      return await invoke<Commands[M]["result"]>("rpc", { method, params });
    } catch (error) {
      const told = isRpcError(error)
        ? error
        : { code: "unexpected", message: String(error), hint: null, retryable: false };
      throw new CallError(told);
    }
  }

  listen(listener: Listener): () => void {
    let ended = false;
    let end: (() => void) | undefined;
    void listen<Event>(EVENTS, (event) => listener.event(event.payload)).then((unlisten) => {
      if (ended) {
        unlisten();
        return;
      }
      end = unlisten;
      listener.hearing("up");
    });
    return () => {
      ended = true;
      end?.();
    };
  }
}
