import { en } from "../text/en";
import type { Commands, Event, RpcError } from "../rpc/generated";
import { backoff } from "./backoff";
import { CallError, type Host, type Listener } from "./host";

const KEPT = "aisle-token";

/** Takes the token out of the address, so that it does not stay in sight, and keeps it for this tab. */
export function takeToken(location: Location, storage: Storage): string {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    storage.setItem(KEPT, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return given ?? storage.getItem(KEPT) ?? "";
}

/** The desk's own server on this computer. */
export class BrowserHost implements Host {
  readonly #token: string;

  constructor(token: string) {
    this.#token = token;
  }

  async call<M extends keyof Commands>(
    method: M,
    params: Commands[M]["params"],
  ): Promise<Commands[M]["result"]> {
    let response: Response;
    try {
      response = await fetch("./rpc", {
        method: "POST",
        headers: { "content-type": "application/json", "x-aisle-token": this.#token },
        body: JSON.stringify({ method, params }),
      });
    } catch {
      throw new CallError({ code: "no_answer", message: en.error.noAnswer, hint: en.error.noAnswerHint, retryable: true });
    }
    const answer = (await response.json()) as { result?: Commands[M]["result"]; error?: RpcError };
    if (answer.error) throw new CallError(answer.error);
    return answer.result as Commands[M]["result"];
  }

  listen(listener: Listener): () => void {
    let ended = false;
    let attempt = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let socket: WebSocket | undefined;
    const address = new URL("./events", window.location.href);
    address.protocol = "ws:";
    address.hash = "";
    address.search = new URLSearchParams({ token: this.#token }).toString();
    const connect = () => {
      socket = new WebSocket(address);
      socket.onopen = () => {
        attempt = 0;
        listener.hearing("up");
      };
      socket.onmessage = (message) => listener.event(JSON.parse(String(message.data)) as Event);
      socket.onclose = () => {
        if (ended) return;
        listener.hearing("down");
        timer = setTimeout(connect, backoff(attempt++));
      };
    };
    connect();
    return () => {
      ended = true;
      clearTimeout(timer);
      socket?.close();
    };
  }
}
