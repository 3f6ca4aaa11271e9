import { useLayoutEffect, useRef } from "preact/hooks";

/** Gives the focus back to what had it, or to the page where that is gone, so that a keyboard never begins anew. */
export function returnFocus(opener: Element | null) {
  if (opener instanceof HTMLElement) opener.focus();
  // What opened it may go away in the same step.
  setTimeout(() => {
    if (document.activeElement === document.body)
      document.getElementById("main")?.focus({ preventScroll: true });
  });
}

/** What makes a `<dialog>` modal while it is there: the keyboard stays inside, Escape closes it, then its opener has the focus again. */
export function useModal(close: () => void) {
  const ref = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const opener = document.activeElement;
    const dialog = ref.current;
    dialog?.showModal();
    return () => {
      dialog?.close(); // while it is modal, nothing else takes the focus
      returnFocus(opener);
    };
  }, []);
  return {
    ref,
    // A browser tells "close" later than it closes: a key that opens the dialog again in between would be lost.
    onCancel: (event: Event) => {
      event.preventDefault();
      close();
    },
    // A browser may also close without asking, as by a second gesture of "back".
    onClose: (event: Event) => {
      if ((event.currentTarget as HTMLElement).isConnected) close();
    },
  };
}
