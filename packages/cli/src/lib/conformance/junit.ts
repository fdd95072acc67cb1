import type { ConformanceReport, ConformanceResult } from '@genie/core/conformance';

/** Reports as JUnit XML (the form that CI servers read: testsuites, testsuite, testcase). An unsupported case is skipped, with its reason. */
export function toJunit(reports: readonly ConformanceReport[]): string {
  const suites = reports.map(({ port, results, failed }) => {
    const skipped = results.filter(({ status }) => status === 'unsupported').length;
    const seconds = results.reduce((sum, { tookMs }) => sum + tookMs, 0) / 1000;
    const cases = results.map((result) => toCase(port, result)).join('\n');
    return `  <testsuite name="${toXmlText(port)}" tests="${results.length}" failures="${failed}" skipped="${skipped}" time="${seconds.toFixed(3)}">\n${cases}\n  </testsuite>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join('\n')}\n</testsuites>\n`;
}

function toCase(port: string, { name, status, reason = '', tookMs }: ConformanceResult): string {
  const head = `    <testcase classname="${toXmlText(port)}" name="${toXmlText(name)}" time="${(tookMs / 1000).toFixed(3)}"`;
  if (status === 'passed') return `${head}/>`;
  const inner =
    status === 'failed' ? `<failure message="${toXmlText(reason)}"/>` : `<skipped message="${toXmlText(reason)}"/>`;
  return `${head}>${inner}</testcase>`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** XML 1.0 has no place for most control characters and for halves of surrogate pairs, not even escaped. */
function toXmlText(text: string): string {
  return (
    text
      .toWellFormed()
      .replaceAll(/[&<>"']/g, (sign) => entities[sign] ?? '')
      .replaceAll(/[\n\r\t]/g, ' ')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through.
      .replaceAll(/[\u0000-\u001f\ufffe\uffff]/g, '\ufffd')
  );
}
