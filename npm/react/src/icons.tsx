import type { Session } from "@hellojohn/client";
import type { ReactNode } from "react";

const OUTLINES: Record<"desktop" | "mobile" | "tablet" | "unknown", ReactNode> = {
  desktop: (
    <>
      <rect x="6" y="7" width="20" height="14" rx="2.25" fill="currentColor" fillOpacity=".13" />
      <path d="M3.25 24.75h25.5M12.75 24.75c.3-.9.7-1.25 1.5-1.25h3.5c.8 0 1.2.35 1.5 1.25" />
    </>
  ),
  mobile: (
    <>
      <rect x="9.5" y="3.5" width="13" height="25" rx="3.25" fill="currentColor" fillOpacity=".13" />
      <path d="M14.25 6.9h3.5" />
    </>
  ),
  tablet: (
    <>
      <rect x="6.5" y="4.5" width="19" height="23" rx="2.75" fill="currentColor" fillOpacity=".13" />
      <path d="M14.25 24.25h3.5" />
    </>
  ),
  unknown: (
    <>
      <rect
        x="5.5"
        y="5.5"
        width="21"
        height="21"
        rx="5"
        strokeDasharray="3 2.6"
        fill="currentColor"
        fillOpacity=".08"
      />
      <path d="M13 13.25a3 3 0 1 1 4.4 2.65c-.9.5-1.4 1.05-1.4 2.1M16 21.25v.05" />
    </>
  ),
};

/** The outline of a kind of device. The name beside it says the same in words. */
export function DeviceGlyph({ type }: { type: Session["device_type"] }): ReactNode {
  return (
    <svg
      className="hj-glyph"
      viewBox="0 0 32 32"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {OUTLINES[type === "bot" ? "unknown" : type]}
    </svg>
  );
}

export function CheckMark(): ReactNode {
  return (
    <svg
      className="hj-icon"
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d="m4.25 10.5 4 4 7.5-8.75" />
    </svg>
  );
}
