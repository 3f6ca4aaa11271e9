/** Gives the focus back to what had it, or to the page where that is gone, so that a keyboard never begins anew. */
export function returnFocus(opener: Element | null) {
  const target =
    opener instanceof HTMLElement && opener.isConnected ? opener : document.getElementById("main");
  target?.focus({ preventScroll: target.id === "main" });
}
