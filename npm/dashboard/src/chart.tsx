import { useState } from "preact/hooks";
import { formatNumber } from "./format";

const [WIDTH, HEIGHT] = [720, 160];

/** The least round number that is not below the highest point, in four equal steps. */
function chooseTop(most: number): number {
  let step = 1;
  for (let unit = 1; step * 4 < most; unit *= 10) {
    step =
      [1, 2, 2.5, 5, 10].map((factor) => factor * unit).find((step) => step >= 1 && step * 4 >= most) ?? step;
  }
  return Math.ceil(step) * 4;
}

const shorten = (value: number) =>
  value >= 1_000_000 ? `${value / 1_000_000}M` : value >= 1_000 ? `${value / 1_000}k` : `${value}`;

export interface ChartProps {
  title: string;
  kind: "line" | "bars";
  points: [string, number][];
  /** The word above the first column of the table. */
  what: string;
  summary: string;
  span: "span-6" | "span-4" | "span-2";
  /** The texts below the chart, evenly spread. */
  axis: string[];
}

/** A chart by hand: a sentence for a screen reader, a pointer that reads a point, and a table of all. */
export function Chart({ title, kind, points, what, summary, span, axis }: ChartProps) {
  const [read, setRead] = useState<number | null>(null);
  const values = points.map(([, value]) => value);
  const top = chooseTop(Math.max(1, ...values));
  const slot = WIDTH / points.length;
  const x = (index: number) => (index + 0.5) * slot;
  const y = (value: number) => HEIGHT - (value / top) * HEIGHT;
  const line = points
    .map(([, value], index) => `${index ? "L" : "M"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`)
    .join("");
  const shown = read === null ? undefined : points[read];
  const find = (event: PointerEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const index = Math.floor(((event.clientX - box.left) / box.width) * points.length);
    setRead(Math.max(0, Math.min(points.length - 1, index)));
  };
  const sentence = `${title}: least ${formatNumber(Math.min(...values))}, most ${formatNumber(Math.max(...values))}, last ${formatNumber(values.at(-1) ?? 0)}`;
  return (
    <section class={`card ${span}`} aria-label={title}>
      <div class="card-head">
        <h2>{title}</h2>
        <span class="figure">{shown ? `${shown[0]}: ${formatNumber(shown[1])}` : summary}</span>
      </div>
      <div class={`chart${kind === "bars" ? " chart-short" : ""}`}>
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={sentence}
          onPointerMove={find}
          onPointerLeave={() => setRead(null)}
        >
          {[0, 1, 2, 3, 4].map((step) => (
            <path key={step} class="chart-grid" d={`M0 ${(HEIGHT / 4) * step}h${WIDTH}`} />
          ))}
          {kind === "line" && (
            <>
              <path class="chart-area" d={`${line}L${x(points.length - 1)} ${HEIGHT}L${x(0)} ${HEIGHT}Z`} />
              <path class="chart-line" d={line} />
            </>
          )}
          {kind === "bars" &&
            points.map(([label, value], index) => (
              <rect
                key={label}
                class={`chart-bar${index === read ? " chart-bar-part" : ""}`}
                x={(index + 0.17) * slot}
                y={y(value)}
                width={slot * 0.66}
                height={HEIGHT - y(value)}
              />
            ))}
          {read !== null && <line class="chart-cursor" x1={x(read)} x2={x(read)} y1="0" y2={HEIGHT} />}
        </svg>
        <div class="chart-y" aria-hidden="true">
          {[4, 3, 2, 1, 0].map((step) => (
            <span key={step}>{shorten((top / 4) * step)}</span>
          ))}
        </div>
        <div class="chart-x" aria-hidden="true">
          {axis.map((text) => (
            <span key={text}>{text}</span>
          ))}
        </div>
      </div>
      <details class="as-table">
        <summary>As a table</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">{what}</th>
              <th scope="col">Number</th>
            </tr>
          </thead>
          <tbody>
            {points.map(([label, value]) => (
              <tr key={label}>
                <td>{label}</td>
                <td>{formatNumber(value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </section>
  );
}
