const bars = '▁▂▃▄▅▆▇█';

/** A line of values as block characters, the newest on the right, at most `width` of them; gaps are spaces. A flat line is in the middle. */
export function sparkline(values: readonly (number | undefined)[], width = 24): string {
  const shown = values.slice(-width);
  const known = shown.filter((value) => value !== undefined);
  const low = Math.min(...known);
  const span = Math.max(...known) - low;
  return shown
    .map((value) => {
      if (value === undefined) return ' ';
      if (!(span > 0)) return bars[3];
      return bars[Math.min(bars.length - 1, Math.floor(((value - low) / span) * bars.length))];
    })
    .join('');
}
