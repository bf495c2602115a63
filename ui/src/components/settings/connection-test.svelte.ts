import type { CallError, Host } from "../../lib/host/host";
import type { ConnectionReport, ConnectionSettings } from "../../lib/rpc/generated";
import { asCallError } from "../../lib/state/live.svelte";

/** One connection test at a time, and what it found. */
export class ConnectionTest {
  running = $state(false);
  report: ConnectionReport | null = $state.raw(null);
  error: CallError | null = $state.raw(null);
  readonly #host: Host;
  #turn = 0;

  constructor(host: Host) {
    this.#host = host;
  }

  async run(settings: ConnectionSettings): Promise<void> {
    if (this.running) return;
    this.forget();
    this.running = true;
    const turn = this.#turn;
    try {
      const report = await this.#host.call("test_connection", settings);
      if (turn === this.#turn) this.report = report;
    } catch (error) {
      if (turn === this.#turn) this.error = asCallError(error);
    } finally {
      this.running = false;
    }
  }

  /** Other values than those that were tested are in the fields: the answer says nothing about them. */
  forget(): void {
    this.#turn += 1;
    this.report = null;
    this.error = null;
  }
}
