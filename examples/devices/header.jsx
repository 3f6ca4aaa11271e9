// What stands on top of each page.
import { useState } from "react";

export function Brand() {
  return (
    <a className="brand" href="/">
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <rect x="1.5" y="3.5" width="21" height="17" rx="4" className="mark-frame" />
        <rect x="3.5" y="9" width="17" height="9.5" rx="2" className="mark-ground" />
        <path
          d="M6.5 15.25c1.6-3.6 2.9-3.6 3.1-1.3.1 1.7 1.3 1.7 2.3.1.9-1.5 1.9-1.3 2.2 0 .3 1.1 1.4 1.2 3.4-.3"
          fill="none"
          className="mark-line"
          strokeWidth="1.5"
          strokeLinecap="round"
        />
      </svg>
      Example
    </a>
  );
}

const THEMES = [
  [
    "light",
    "Light",
    "M10 2.75v1.5M10 15.75v1.5M2.75 10h1.5M15.75 10h1.5M4.9 4.9l1 1M14.1 14.1l1 1M4.9 15.1l1-1M14.1 5.9l1-1",
  ],
  ["system", "As the system", "M10 3.75a6.25 6.25 0 0 1 0 12.5Z"],
  ["dark", "Dark", "M16.25 11.9A6.75 6.75 0 0 1 8.1 3.75a6.5 6.5 0 1 0 8.15 8.15Z"],
];

export function ThemeChoice() {
  const root = document.documentElement;
  const [theme, setTheme] = useState(root.dataset.theme ?? "system");
  const choose = (value) => {
    setTheme(value);
    if (value === "system") delete root.dataset.theme;
    else root.dataset.theme = value;
    try {
      localStorage.setItem("theme", value);
    } catch {
      // Storage is blocked: the choice lasts until the page is left.
    }
  };
  return (
    <fieldset className="segmented">
      <legend className="hidden">Colours</legend>
      {THEMES.map(([value, name, path]) => (
        <label key={value} title={name}>
          <input
            type="radio"
            name="theme"
            value={value}
            checked={theme === value}
            onChange={() => choose(value)}
          />
          <span>
            <svg viewBox="0 0 20 20" aria-hidden="true">
              {value === "light" && <circle cx="10" cy="10" r="3.25" />}
              {value === "system" && <circle cx="10" cy="10" r="6.25" />}
              <path d={path} className={value === "system" ? "filled" : undefined} />
            </svg>
            <span className="hidden">{name}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
