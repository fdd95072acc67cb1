import { words } from '../text/tokenize.ts';

/** What the form of a text says about the answers it can hold, as bits. */
export const feature = { onlyQuestion: 1, temporal: 2, numeric: 4, named: 8, asks: 16, refers: 32 } as const;

const temporalPattern =
  /\b(yesterday|today|tonight|tomorrow|ago|last (night|week|weekend|month|year|summer|winter|spring|fall|autumn|mon|tue|wed|thu|fri|sat|sun)|next (week|weekend|month|year|summer|winter|spring|fall)|this (morning|week|weekend|month|year|summer|winter)|weekend|recently|january|february|march|april|june|july|august|september|october|november|december|(in|on|since|of|by|until) may|monday|tuesday|wednesday|thursday|friday|saturday|sunday|(19|20)\d\d|o'clock|\d+ (days?|weeks?|months?|years?)|(a|one|two|three|four|five|six|seven|eight|nine|ten|few|couple of) (days?|weeks?|months?|years?)|since|birthday|anniversary)\b/i;
const numericPattern =
  /\b(\d[\d.,:]*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred|thousand|million|dozen|couple|once|twice|first|second|third|half|both)\b/i;
const namedPattern = /["“][^"”]{2,60}["”]|[\p{Ll},;:] (?!I\b)\p{Lu}\p{L}+/u;

const referringPattern = /\b(she|he|her|him|his|hers|they|them|their|it)(?:['’](?:s|d|ll|re|ve))?\b/i;

/** The feature bits of a text. */
export function featuresOf(text: string): number {
  const head = text.length > 4_000 ? text.slice(0, 4_000) : text;
  let bits = 0;
  if (isOnlyQuestion(head)) bits |= feature.onlyQuestion;
  if (/[?？]\W*$/.test(head)) bits |= feature.asks;
  if (temporalPattern.test(head)) bits |= feature.temporal;
  if (numericPattern.test(head)) bits |= feature.numeric;
  if (namedPattern.test(head)) bits |= feature.named;
  if (referringPattern.test(head)) bits |= feature.refers;
  return bits;
}

/** True when nothing of weight is said outside the questions of the text. */
function isOnlyQuestion(text: string): boolean {
  if (!text.includes('?')) return false;
  const said = text.split(/(?<=[.!?])\s+/).filter((sentence) => !sentence.trimEnd().endsWith('?'));
  return words(said.join(' ')).length <= 6;
}
