/** What is drawn: one or more series over shared labels. */
export interface Chart {
  readonly kind: 'bar' | 'line' | 'scatter';
  readonly title: string;
  /** Text under the horizontal axis. */
  readonly across: string;
  readonly labels: readonly string[];
  readonly series: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
}

const width = 800;
const height = 450;
const frame = { left: 80, right: 20, top: 50, bottom: 80 } as const;
const inner = { width: width - frame.left - frame.right, height: height - frame.top - frame.bottom } as const;
/** Told apart also by people who do not see all colours (Okabe and Ito). */
const colours = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#f0e442', '#000000'];

/** Draws a chart as an SVG document: no script, no link, nothing loaded. */
export function chartToSvg(chart: Chart): string {
  const numbers = chart.series.flatMap(({ values }) => values.filter((value) => value !== null));
  const scale = createScale(numbers, chart.kind === 'bar');
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="sans-serif" font-size="12">`,
    `<title>${escapeXml(chart.title)}</title><rect width="100%" height="100%" fill="white"/>`,
    `<text x="${width / 2}" y="24" text-anchor="middle" font-size="16">${escapeXml(chart.title)}</text>`,
    ...grid(scale),
    ...chart.series.flatMap((one, index) => drawSeries(chart, { ...one, index, scale })),
    ...labels(chart),
    ...legend(chart),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

interface Scale {
  readonly ticks: readonly number[];
  y(value: number): number;
}

/** Round steps (1, 2 or 5 times a power of ten) that hold every number; bars start at zero. */
function createScale(numbers: readonly number[], fromZero: boolean): Scale {
  let low = numbers.reduce((least, value) => Math.min(least, value), fromZero ? 0 : Number.POSITIVE_INFINITY);
  let high = numbers.reduce((most, value) => Math.max(most, value), fromZero ? 0 : Number.NEGATIVE_INFINITY);
  if (!Number.isFinite(low) || !Number.isFinite(high)) [low, high] = [0, 1];
  if (low === high) [low, high] = low === 0 ? [0, 1] : [Math.min(low, 0), Math.max(high, 0)];
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.floor(low / step);
  const last = Math.ceil(high / step);
  const ticks = Array.from({ length: Math.min(20, last - first + 1) }, (_, index) => (first + index) * step);
  const span = (last - first) * step || 1;
  return { ticks, y: (value) => frame.top + inner.height * (1 - (value - first * step) / span) };
}

function grid({ ticks, y }: Scale): string[] {
  return ticks.map((tick) => {
    const at = round(y(tick));
    return `<line x1="${frame.left}" x2="${width - frame.right}" y1="${at}" y2="${at}" stroke="#ddd"/><text x="${frame.left - 8}" y="${at + 4}" text-anchor="end">${shortNumber(tick)}</text>`;
  });
}

interface DrawnSeries {
  readonly values: readonly (number | null)[];
  readonly index: number;
  readonly scale: Scale;
}

function drawSeries(
  { kind, labels: { length: count }, series }: Chart,
  { values, index, scale }: DrawnSeries,
): string[] {
  const colour = colours[index % colours.length];
  const slot = inner.width / Math.max(1, count);
  const points = values.flatMap((value, at) =>
    value === null ? [] : [{ x: round(frame.left + slot * (at + 0.5)), y: round(scale.y(value)), at }],
  );
  if (kind === 'line') {
    const path = points.map(({ x, y, at }, nth) => `${nth > 0 && points[nth - 1]?.at === at - 1 ? 'L' : 'M'}${x} ${y}`);
    return [`<path d="${path.join('')}" fill="none" stroke="${colour}" stroke-width="2"/>`];
  }
  if (kind === 'scatter') return points.map(({ x, y }) => `<circle cx="${x}" cy="${y}" r="3" fill="${colour}"/>`);
  const bar = (slot * 0.8) / series.length;
  const zero = scale.y(0);
  return points.map(({ y, at }) => {
    const x = round(frame.left + slot * at + slot * 0.1 + bar * index);
    return `<rect x="${x}" y="${round(Math.min(y, zero))}" width="${round(bar)}" height="${round(Math.abs(zero - y))}" fill="${colour}"/>`;
  });
}

/** As many labels as can be read. */
function labels({ labels: texts, across }: Chart): string[] {
  const every = Math.max(1, Math.ceil(texts.length / 12));
  const slot = inner.width / Math.max(1, texts.length);
  return [
    ...texts.flatMap((text, at) =>
      at % every === 0
        ? [
            `<text x="${round(frame.left + slot * (at + 0.5))}" y="${height - frame.bottom + 18}" text-anchor="middle">${escapeXml(text.slice(0, 14))}</text>`,
          ]
        : [],
    ),
    `<text x="${frame.left + inner.width / 2}" y="${height - 30}" text-anchor="middle">${escapeXml(across)}</text>`,
  ];
}

function legend({ series }: Chart): string[] {
  return series
    .slice(0, 8)
    .map(
      ({ name }, index) =>
        `<rect x="${frame.left + index * 90}" y="${height - 18}" width="10" height="10" fill="${colours[index % colours.length]}"/><text x="${frame.left + index * 90 + 14}" y="${height - 9}">${escapeXml(name.slice(0, 10))}</text>`,
    );
}

function shortNumber(value: number): string {
  return Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 1e-3)
    ? value.toExponential(1)
    : String(Number(value.toPrecision(6)));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Text for XML 1.0: control characters have no place in it, not even escaped. */
function escapeXml(text: string): string {
  return (
    text
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
  );
}
