import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { quietStatus } from "./fake";
import { backoff } from "./backoff";
import { BrowserHost, takeToken } from "./browser";
import type { Hearing } from "./host";

class FakeSocket {
  static all: FakeSocket[] = [];
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  closed = false;

  constructor(readonly address: URL) {
    FakeSocket.all.push(this);
  }

  close(): void {
    this.closed = true;
    this.onclose?.();
  }
}

beforeEach(() => {
  FakeSocket.all = [];
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  sessionStorage.clear();
});

const answering = (body: unknown) => {
  const fetched = vi.fn(async (_address: string, _request: RequestInit) => ({ json: async () => body }));
  vi.stubGlobal("fetch", fetched);
  return fetched;
};

describe("the token", () => {
  it("is taken out of the address and kept for this tab", () => {
    history.replaceState(null, "", "/desk?a=1#token=secret");
    expect(takeToken(window.location, sessionStorage)).toBe("secret");
    expect(window.location.href).not.toContain("secret");
    expect(window.location.search).toBe("?a=1");
    expect(takeToken(window.location, sessionStorage)).toBe("secret");
  });

  it("that nobody gave is empty", () => {
    history.replaceState(null, "", "/");
    expect(takeToken(window.location, sessionStorage)).toBe("");
  });
});

describe("a command", () => {
  it("goes to the desk's own server with the token and its parameters", async () => {
    const fetched = answering({ result: quietStatus });
    expect(await new BrowserHost("secret").call("status", null)).toEqual(quietStatus);
    const [address, request] = fetched.mock.calls[0] ?? [];
    expect(address).toBe("./rpc");
    expect(request?.headers).toMatchObject({ "x-aisle-token": "secret" });
    expect(JSON.parse(String(request?.body))).toEqual({ method: "status", params: null });
  });

  it("that answers nothing answers null, not undefined", async () => {
    answering({ result: null });
    expect(await new BrowserHost("").call("send_now", null)).toBeNull();
  });

  it("that is refused keeps code, hint and message", async () => {
    answering({ error: { code: "disk_full", message: "the disk is full", hint: "make room", retryable: true } });
    await expect(new BrowserHost("").call("send_now", null)).rejects.toMatchObject({
      code: "disk_full",
      message: "the disk is full",
      hint: "make room",
      retryable: true,
    });
  });

  it("that nobody answers says so in words", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
    await expect(new BrowserHost("").call("send_now", null)).rejects.toMatchObject({
      code: "no_answer",
      message: "Aisle does not answer",
      retryable: true,
    });
  });
});

describe("listening", () => {
  function listen() {
    const [states, events]: [Hearing[], unknown[]] = [[], []];
    const end = new BrowserHost("secret").listen({
      event: (event) => events.push(event),
      hearing: (state) => states.push(state),
    });
    return { states, events, end };
  }

  it("hands on every event", () => {
    const { events, states } = listen();
    FakeSocket.all[0]?.onopen?.();
    FakeSocket.all[0]?.onmessage?.({ data: '{"type":"outbox"}' });
    expect([states, events]).toEqual([["up"], [{ type: "outbox" }]]);
  });

  it("asks by token and keeps the page's address out of it", () => {
    listen();
    const address = FakeSocket.all[0]?.address;
    expect([address?.protocol, address?.pathname, address?.search]).toEqual(["ws:", "/events", "?token=secret"]);
  });

  it("connects again, later and later, and soon again after it stood", () => {
    const { states } = listen();
    FakeSocket.all[0]?.onclose?.();
    vi.advanceTimersByTime(249);
    expect(FakeSocket.all.length).toBe(1);
    vi.advanceTimersByTime(1);
    expect(FakeSocket.all.length).toBe(2);
    FakeSocket.all[1]?.onclose?.();
    vi.advanceTimersByTime(250);
    expect(FakeSocket.all.length).toBe(2);
    vi.advanceTimersByTime(250);
    expect(FakeSocket.all.length).toBe(3);
    FakeSocket.all[2]?.onopen?.();
    FakeSocket.all[2]?.onclose?.();
    vi.advanceTimersByTime(250);
    expect(FakeSocket.all.length).toBe(4);
    expect(states).toEqual(["down", "down", "up", "down"]);
  });

  it("that has ended connects to nothing any more and tells nothing", () => {
    const { states, end } = listen();
    end();
    vi.advanceTimersByTime(60_000);
    expect([FakeSocket.all.length, FakeSocket.all[0]?.closed, states]).toEqual([1, true, []]);
  });

  it("that ends while it waits to connect again stays ended", () => {
    const { end } = listen();
    FakeSocket.all[0]?.onclose?.();
    end();
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.all.length).toBe(1);
  });
});

it("waits double each time, up to eight seconds", () => {
  expect([0, 1, 2, 5, 6, 1000].map(backoff)).toEqual([250, 500, 1000, 8000, 8000, 8000]);
});
