import { BrowserHost, takeToken } from "./browser";
import type { Host } from "./host";
import { TauriHost } from "./tauri";

/** The program around this page: the desk's window, or its server where a browser shows it. */
export function pickHost(): Host {
  const isWindow = "__TAURI_INTERNALS__" in window;
  return isWindow ? new TauriHost() : new BrowserHost(takeToken(window.location, window.sessionStorage));
}
