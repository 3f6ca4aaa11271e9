// Runs before the page is drawn, so that the colours do not change while it loads.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is blocked: the colours are the system's.
}
