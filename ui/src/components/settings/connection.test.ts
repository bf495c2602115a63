import { describe, expect, it } from "vitest";

import { faultsOf, settingsOf, type Draft } from "./connection";

const typed = (more: Partial<Draft> = {}): Draft => ({
  store: "367",
  desk: "Desk 1",
  brokers: "kafka.example:9092",
  security: "plaintext",
  user: "",
  passwordFile: "",
  caFile: "",
  ...more,
});

describe("what is typed", () => {
  it("is complete with a store number and an address", () => {
    expect(faultsOf(typed())).toEqual({});
  });

  it("has a store number of digits, as large as central's numbers get", () => {
    for (const store of ["367", " 367 ", "0367", "9223372036854775807"]) {
      expect(faultsOf(typed({ store })).store, store).toBeUndefined();
    }
    for (const store of ["0", "-1", "12a", "3 6 7", "3.5", "9223372036854775808"]) {
      expect(faultsOf(typed({ store })).store, store).toBe("storeNumber");
    }
    expect(faultsOf(typed({ store: "  " })).store).toBe("storeMissing");
  });

  it("has addresses of host and port, every one of them", () => {
    for (const brokers of ["a:1", "a:9092, b:9093", "10.0.0.1:65535", "[::1]:9092"]) {
      expect(faultsOf(typed({ brokers })).brokers, brokers).toBeUndefined();
    }
    for (const brokers of ["a", "a:", ":9092", "a:0", "a:65536", "a:90x", "a:1,", "a:1,b", "a b:1"]) {
      expect(faultsOf(typed({ brokers })).brokers, brokers).toBe("brokersForm");
    }
    expect(faultsOf(typed({ brokers: "" })).brokers).toBe("brokersMissing");
  });

  it("needs a user and a password file only for a secured line", () => {
    expect(faultsOf(typed({ security: "sasl_ssl" }))).toEqual({
      user: "userMissing",
      passwordFile: "passwordMissing",
    });
    expect(faultsOf(typed({ security: "sasl_ssl", user: "desk", passwordFile: "/run/password" }))).toEqual({});
  });
});

describe("what is sent", () => {
  it("is trimmed, with the addresses one after the other", () => {
    expect(settingsOf(typed({ store: " 367 ", desk: " Front ", brokers: " a:1 , b:2 " }))).toMatchObject({
      store_id: "367",
      desk_name: "Front",
      brokers: "a:1,b:2",
      topic_prefix: "aisle",
    });
  });

  it("has nothing of a security that was typed and is not wanted", () => {
    const draft = typed({ user: "desk", passwordFile: "/run/password", caFile: "/run/ca" });
    expect(settingsOf(draft)).toMatchObject({ username: null, password_file: null, ca_file: null });
  });

  it("takes this computer's own authorities where no CA file is named", () => {
    const draft = typed({ security: "sasl_ssl", user: "desk", passwordFile: "/run/password" });
    expect(settingsOf(draft)).toMatchObject({ username: "desk", password_file: "/run/password", ca_file: null });
  });
});
