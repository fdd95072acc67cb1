import {
  type ConformanceResult,
  type ConformanceSetup,
  type ConformanceSuite,
  runConformance,
} from '@genie/core/conformance';

/** Runs a suite whose cases do not meet, several at a time. */
export async function runInParts<Setup>(
  suite: ConformanceSuite<Setup>,
  parts: number,
  create: () => Promise<ConformanceSetup<Setup>>,
): Promise<readonly ConformanceResult[]> {
  const reports = await Promise.all(
    Array.from({ length: parts }, (_, part) =>
      runConformance({ ...suite, cases: suite.cases.filter((_case, index) => index % parts === part) }, create),
    ),
  );
  return reports.flatMap(({ results }) => results);
}
