import type { CallError } from "../../lib/host/host";
import type { Commands, MemberView, Role, StaffView } from "../../lib/rpc/generated";
import type { Desk } from "../../lib/state/desk.svelte";
import { asCallError, Live } from "../../lib/state/live.svelte";

/** What is open under the list of people. */
export type Open =
  | { what: "add" }
  | { what: "pin" | "rename" | "role" | "remove"; staffId: string };

type Edit = { [M in keyof Commands]: Commands[M]["result"] extends StaffView ? M : never }[keyof Commands];

/** The people of the desk, and what is done to the list of them: one thing at a time. */
export class StaffEdit {
  readonly staff: Live<StaffView>;
  open: Open | null = $state.raw(null);
  name = $state("");
  role: Role = $state("clerk");
  pin = $state("");
  before = $state("");
  busy = $state(false);
  error: CallError | null = $state.raw(null);
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
    this.staff = new Live(() => desk.host.call("staff", null));
  }

  get people(): MemberView[] {
    return this.staff.value?.people ?? [];
  }

  is(what: Open["what"], staffId?: string): boolean {
    const open = this.open;
    return open?.what === what && (open.what === "add" || open.staffId === staffId);
  }

  begin(open: Open, member?: MemberView): void {
    this.open = open;
    this.name = open.what === "rename" ? (member?.name ?? "") : "";
    this.role = member?.role ?? "clerk";
    this.pin = "";
    this.before = "";
    this.error = null;
  }

  leave(): void {
    this.open = null;
    this.pin = "";
    this.before = "";
    this.error = null;
  }

  async #do<M extends Edit>(method: M, params: Commands[M]["params"]): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.error = null;
    try {
      this.staff.value = (await this.#desk.host.call(method, params)) as StaffView;
      this.leave();
    } catch (error) {
      this.error = asCallError(error);
    } finally {
      this.busy = false;
    }
  }

  async submit(): Promise<void> {
    const open = this.open;
    if (!open) return;
    switch (open.what) {
      case "add":
        return this.#do("add_member", { name: this.name, role: this.role, pin: this.pin });
      case "rename":
        return this.#do("rename_member", { staff_id: open.staffId, name: this.name });
      case "role":
        return this.#do("set_role", { staff_id: open.staffId, role: this.role });
      case "remove":
        return this.#do("disable_member", { staff_id: open.staffId });
      case "pin":
        return this.#do("set_pin", {
          staff_id: open.staffId,
          pin: this.pin,
          before: this.before === "" ? null : this.before,
        });
    }
  }
}
