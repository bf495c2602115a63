import { getContext, setContext, untrack } from "svelte";

import type { SettingsView } from "../rpc/generated";
import type { Desk } from "./desk.svelte";

export type ThemeName = SettingsView["theme"];

/** Light, dark, or as the system is; kept with the desk's settings once there is a desk. */
export class Theme {
  name: ThemeName = $state("system");
  readonly #desk: Desk;
  /** Chosen before there was a desk that could keep it. */
  #unsaved = false;

  constructor(desk: Desk) {
    this.#desk = desk;
    $effect(() => {
      if (!desk.isOpen) return;
      if (this.#unsaved) void this.set(untrack(() => this.name));
      else void this.#read();
    });
    $effect(() => {
      if (this.name === "system") delete document.documentElement.dataset["theme"];
      else document.documentElement.dataset["theme"] = this.name;
    });
  }

  async #read(): Promise<void> {
    try {
      this.name = (await this.#desk.host.call("settings", null)).theme;
    } catch {
      // The system's theme stays; the settings screen tells what stands against reading them.
    }
  }

  async set(name: ThemeName): Promise<void> {
    this.name = name;
    this.#unsaved = !this.#desk.isOpen;
    if (this.#desk.isOpen) await this.#desk.attempt("set_setting", { key: "theme", value: name });
  }
}

const KEY = Symbol("theme");

export function provideTheme(theme: Theme): void {
  setContext(KEY, theme);
}

export function useTheme(): Theme {
  return getContext<Theme>(KEY);
}
