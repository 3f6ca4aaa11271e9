/** Gives the focus back to what had it, or to the page where that is gone, so that a keyboard never begins anew. */
export function returnFocus(opener: Element | null) {
  if (opener instanceof HTMLElement) opener.focus();
  // What opened it may go away in the same step.
  setTimeout(() => {
    if (document.activeElement === document.body)
      document.getElementById("main")?.focus({ preventScroll: true });
  });
}
