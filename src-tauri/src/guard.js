// Runs before the page's own script: whatever goes wrong on the page is told to the program, which writes it down.
(() => {
  const tell = (text) => {
    const call = window.__TAURI_INTERNALS__?.invoke("rpc", { method: "report_error", params: { text } });
    call?.catch(() => {});
  };
  const words = (error) => (error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error));
  addEventListener("error", (event) => tell(`error: ${event.error ? words(event.error) : event.message}`));
  addEventListener("unhandledrejection", (event) => tell(`unhandled: ${words(event.reason)}`));
  addEventListener("securitypolicyviolation", (event) => {
    tell(`policy: ${event.effectiveDirective} forbids ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`);
  });
})();
