import { mount, unmount } from "svelte";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import "../lib/host/jsdom";
import App from "../App.svelte";
import { deskSession, FakeHost, firstRunSession, held, openHost } from "../lib/host/fake";
import { shown } from "../lib/host/shown";
import type { ConnectionReport, EnrolmentView, Session } from "../lib/rpc/generated";

let host: FakeHost;
let app: Record<string, unknown>;

beforeEach(async () => {
  host = openHost().answer("session", () => firstRunSession);
  app = mount(App, { target: document.body, props: { host } });
  await shown();
});
afterEach(() => unmount(app));

async function press(key: string, more: KeyboardEventInit = {}): Promise<void> {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more });
  (document.activeElement ?? document.body).dispatchEvent(event);
  await shown();
}

const byId = <E extends HTMLElement>(id: string) => document.querySelector<E>(`[data-testid='${id}']`);

function type(id: string, text: string): void {
  const input = byId<HTMLInputElement>(id);
  if (!input) throw new Error(`there is no field ${id}`);
  input.focus();
  input.value = text;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

const report: ConnectionReport = {
  ok: false,
  steps: [
    { name: "address", ok: true, detail: "1 address" },
    { name: "reach", ok: false, detail: "none of the addresses takes a connection" },
    { name: "sign_in", ok: null, detail: "" },
  ],
  error: { code: "unreachable", message: "unreachable", hint: null, retryable: true },
};

describe("the first screen", () => {
  it("lets T try the sample store at once: no field has the focus", async () => {
    host.answer("rehearse", () => deskSession(true)).answer("session", () => deskSession(true));
    await press("t");
    expect(host.asked("rehearse").length).toBe(1);
    expect(byId("first-run")).toBeNull();
  });

  it("takes T for a letter in a field", async () => {
    byId("desk-name")?.focus();
    await press("t");
    expect(host.asked("rehearse")).toEqual([]);
  });

  it("sends a command once, however often its key is pressed, and says that it runs", async () => {
    const answer = held<Session>();
    host.answer("rehearse", () => answer.promise);
    await press("t");
    await press("t");
    await press("Enter");
    byId("rehearse")?.click();
    expect(host.calls.filter((call) => call.method === "rehearse" || call.method === "connect").length).toBe(1);
    expect(byId("rehearse")?.textContent).toContain("Starting the sample store");
    expect(byId("rehearse")?.getAttribute("aria-disabled")).toBe("true");
    expect(byId("connect")?.getAttribute("aria-disabled")).toBe("true");
  });

  it("says at the fields what is missing before it sends anything, and goes to the first", async () => {
    await press("Enter");
    expect(host.asked("connect")).toEqual([]);
    expect(document.querySelectorAll("[aria-invalid='true']").length).toBe(2);
    expect(document.activeElement).toBe(byId("store"));
  });

  it("connects with what is typed, and without a line ends in a desk", async () => {
    host.answer("connect", () => deskSession());
    type("store", "367");
    type("brokers", "kafka.example:9092");
    host.answer("session", () => deskSession());
    byId<HTMLFormElement>("connect-form")?.requestSubmit();
    await shown();
    expect(host.asked("connect")).toEqual([
      {
        store_id: "367",
        desk_name: "Desk 1",
        brokers: "kafka.example:9092",
        topic_prefix: "aisle",
        security: "plaintext",
        username: null,
        password_file: null,
        ca_file: null,
      },
    ]);
    expect(byId("first-run")).toBeNull();
  });

  it("tells a refused connection with hint and code, and can be pressed again", async () => {
    host.refuse("connect", { code: "bad_settings", message: "the password file is empty", hint: "write one into it" });
    type("store", "367");
    type("brokers", "kafka.example:9092");
    await press("Escape");
    await press("Enter");
    const alert = document.querySelector("[role='alert']")?.textContent;
    for (const part of ["the password file is empty", "write one into it", "bad_settings"]) expect(alert).toContain(part);
    await press("Enter");
    expect(host.asked("connect").length).toBe(2);
  });

  it("shows every step of a test in words, with what to do about the one that failed", async () => {
    host.answer("test_connection", () => report);
    type("store", "367");
    type("brokers", "kafka.example:9092");
    await press("Enter", { ctrlKey: true });
    const steps = byId("connection-steps")?.textContent;
    for (const part of ["Ok", "1 address", "Failed", "Check the port", "unreachable", "Not reached"]) {
      expect(steps).toContain(part);
    }
    expect(host.asked("connect")).toEqual([]);
  });

  it("forgets what a test found as soon as other values are typed", async () => {
    host.answer("test_connection", () => report);
    type("store", "367");
    type("brokers", "kafka.example:9092");
    await press("Enter", { ctrlKey: true });
    type("brokers", "kafka.example:9093");
    await shown();
    expect(byId("connection-steps")).toBeNull();
  });
});

describe("an enrolment file", () => {
  const found: EnrolmentView = {
    store_id: "367",
    store_name: "Market Street",
    brokers: "kafka.example:9093",
    secured: true,
    expires_at: "2026-12-24T00:00:00Z",
  };
  const text = '{"format": "aisle.enrolment.v1", "password": "hunter2"}';

  async function choose(content: string): Promise<void> {
    const input = byId<HTMLInputElement>("enrolment-file");
    if (!input) throw new Error("there is no field for the file");
    const file = new File([content], "store-367.json", { type: "application/json" });
    // jsdom's files cannot be read as text.
    file.text = () => Promise.resolve(content);
    Object.defineProperty(input, "files", { value: [file], configurable: true });
    input.dispatchEvent(new Event("change", { bubbles: true }));
    await shown();
    await shown();
  }

  it("is chosen with F, and the store, its name and its address are shown before it is taken", async () => {
    host.answer("read_enrolment", () => found);
    await press("f");
    expect(byId("connect-form")).toBeNull();
    await choose(text);
    expect(host.asked("read_enrolment")).toEqual([{ text }]);
    const facts = byId("enrolment")?.textContent;
    for (const part of ["367", "Market Street", "kafka.example:9093", "User and password over TLS", "2026-12-24"]) {
      expect(facts).toContain(part);
    }
    expect(host.asked("enrol")).toEqual([]);
    expect(document.body.textContent).not.toContain("hunter2");
  });

  it("is taken with Enter, under the name that was typed, and ends in a desk", async () => {
    host.answer("read_enrolment", () => found).answer("enrol", () => deskSession());
    await press("f");
    await choose(text);
    type("enrol-desk-name", "Front");
    host.answer("session", () => deskSession());
    await press("Escape");
    await press("Enter");
    expect(host.asked("enrol")).toEqual([{ text, desk_name: "Front" }]);
    expect(byId("first-run")).toBeNull();
  });

  it("is taken by Enter in the field of the desk's name, as every form is sent", async () => {
    host.answer("read_enrolment", () => found).answer("enrol", () => deskSession());
    await press("f");
    await choose(text);
    type("enrol-desk-name", "Front");
    byId<HTMLInputElement>("enrol-desk-name")?.form?.requestSubmit();
    await shown();
    expect(host.asked("enrol")).toEqual([{ text, desk_name: "Front" }]);
  });

  it("that is good has what it says announced, and the focus goes on to taking it", async () => {
    host.answer("read_enrolment", () => found);
    await press("f");
    byId("choose-enrolment")?.focus();
    await choose(text);
    const said = byId("enrol-form")?.querySelector("[role='status']")?.textContent;
    for (const part of ["Store 367 Market Street", "kafka.example:9093", "User and password over TLS"]) {
      expect(said).toContain(part);
    }
    expect(document.activeElement).toBe(byId("enrol"));
  });

  it("that is refused leaves the focus where another one is chosen, and announces nothing but the refusal", async () => {
    host.refuse("read_enrolment", { code: "bad_enrolment", message: "it is not whole" });
    await press("f");
    byId("choose-enrolment")?.focus();
    await choose(text);
    expect(byId("enrol-form")?.querySelector("[role='status']")?.textContent).toBe("");
    expect(document.activeElement).toBe(byId("choose-enrolment"));
  });

  it("that is refused is told with what to do, takes nothing, and another one can be chosen", async () => {
    host.refuse("read_enrolment", { code: "bad_enrolment", message: "it is not whole", hint: "copy it again" });
    await press("f");
    await choose(text);
    const alert = document.querySelector("[role='alert']")?.textContent;
    for (const part of ["it is not whole", "copy it again", "bad_enrolment"]) expect(alert).toContain(part);
    expect(byId("enrol")).toBeNull();
    host.answer("read_enrolment", () => found);
    await choose(text);
    expect(document.querySelector("[role='alert']")).toBeNull();
    expect(byId("enrol")).not.toBeNull();
  });

  it("is left with Escape, and then nothing of it is sent", async () => {
    host.answer("read_enrolment", () => found);
    await press("f");
    await choose(text);
    await press("Escape");
    expect(byId("connect-form")).not.toBeNull();
    await press("Enter");
    expect(host.asked("enrol")).toEqual([]);
  });
});
