import type { ConnectionSettings, Security } from "../../lib/rpc/generated";

/** The connection as it is typed. */
export interface Draft {
  store: string;
  desk: string;
  brokers: string;
  security: Security;
  user: string;
  passwordFile: string;
  caFile: string;
}

export type Fault =
  | "storeMissing"
  | "storeNumber"
  | "brokersMissing"
  | "brokersForm"
  | "userMissing"
  | "passwordMissing";

/** What is wrong, by field, in the order of the fields. */
export type Faults = Partial<Record<keyof Draft, Fault>>;

/** Numbers of central have 63 bits. */
const HIGHEST_STORE = 9_223_372_036_854_775_807n;
const HIGHEST_PORT = 65_535;

function storeFault(text: string): Fault | undefined {
  if (text === "") return "storeMissing";
  if (!/^\d+$/.test(text)) return "storeNumber";
  const number = BigInt(text);
  return number >= 1n && number <= HIGHEST_STORE ? undefined : "storeNumber";
}

/** The last colon parts host and port: an IPv6 address has its own. */
function isAddress(text: string): boolean {
  const [, port] = /^\S+:(\d{1,5})$/.exec(text.trim()) ?? [];
  return port !== undefined && Number(port) >= 1 && Number(port) <= HIGHEST_PORT;
}

function brokersFault(text: string): Fault | undefined {
  if (text === "") return "brokersMissing";
  return text.split(",").every(isAddress) ? undefined : "brokersForm";
}

/** Checks before anything is sent. */
export function faultsOf(draft: Draft): Faults {
  const faults: Faults = {};
  const store = storeFault(draft.store.trim());
  const brokers = brokersFault(draft.brokers.trim());
  if (store) faults.store = store;
  if (brokers) faults.brokers = brokers;
  if (draft.security === "sasl_ssl" && draft.user.trim() === "") faults.user = "userMissing";
  if (draft.security === "sasl_ssl" && draft.passwordFile.trim() === "") faults.passwordFile = "passwordMissing";
  return faults;
}

const textOrNull = (text: string) => text.trim() || null;

/** What the commands take. Without security nothing of it is sent along. */
export function settingsOf(draft: Draft): ConnectionSettings {
  const isSecured = draft.security === "sasl_ssl";
  return {
    store_id: draft.store.trim(),
    desk_name: draft.desk.trim(),
    brokers: draft.brokers
      .split(",")
      .map((address) => address.trim())
      .join(","),
    topic_prefix: "aisle",
    security: draft.security,
    username: isSecured ? textOrNull(draft.user) : null,
    password_file: isSecured ? textOrNull(draft.passwordFile) : null,
    ca_file: isSecured ? textOrNull(draft.caFile) : null,
  };
}
