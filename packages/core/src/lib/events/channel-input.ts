import { GenieError } from '../genie-error.ts';

/** What may come through a channel, whatever its schema says. */
export interface ChannelLimits {
  /** Characters of one string, keys included. Default 100,000. */
  readonly maxStringLength: number;
  /** Nested arrays and objects. Default 32. */
  readonly maxDepth: number;
  /** Values in all. Default 10,000. */
  readonly maxValues: number;
  /** Characters of all strings. Default 1,000,000. */
  readonly maxTotalLength: number;
}

export const defaultChannelLimits: ChannelLimits = {
  maxStringLength: 100_000,
  maxDepth: 32,
  maxValues: 10_000,
  maxTotalLength: 1_000_000,
};

const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** The error for a value that a channel does not let through. */
export function channelInputError(channel: string, path: string, problem: string): GenieError {
  const place = path === '' ? 'the input' : path;
  return new GenieError('GENIE_CHANNEL_INPUT', `Channel "${channel}": ${place} ${problem}.`, {
    details: { channel, path, problem },
  });
}

/**
 * A copy of plain JSON data within the limits, without `__proto__`, `constructor` and `prototype` members.
 * Throws `GENIE_CHANNEL_INPUT` with the path of what is wrong; its work is bounded by the limits.
 */
export function copyWithinLimits(channel: string, value: unknown, limits: ChannelLimits): unknown {
  let values = 0;
  let length = 0;

  function measure(text: string, path: string): string {
    length += text.length;
    if (text.length > limits.maxStringLength) {
      throw channelInputError(channel, path, `has ${text.length} characters, ${limits.maxStringLength} are allowed`);
    }
    if (length > limits.maxTotalLength) {
      throw channelInputError(channel, path, `brings the text to over ${limits.maxTotalLength} characters`);
    }
    return text;
  }

  function copy(member: unknown, path: string, depth: number): unknown {
    values += 1;
    if (values > limits.maxValues)
      throw channelInputError(channel, path, `brings the values to over ${limits.maxValues}`);
    if (member === null || member === undefined || typeof member === 'boolean') return member;
    if (typeof member === 'string') return measure(member, path);
    if (typeof member === 'number') {
      if (Number.isFinite(member)) return member;
      throw channelInputError(channel, path, `is ${member}, which is no JSON`);
    }
    if (typeof member !== 'object') throw channelInputError(channel, path, `is a ${typeof member}, which is no JSON`);
    if (depth >= limits.maxDepth)
      throw channelInputError(channel, path, `is nested deeper than ${limits.maxDepth} levels`);
    if (Array.isArray(member)) return copyArray(member, path, depth);
    return copyObject(member, path, depth);
  }

  function copyArray(list: readonly unknown[], path: string, depth: number): unknown[] {
    // A sparse array of a billion holes costs nothing to send.
    if (list.length > limits.maxValues) {
      throw channelInputError(channel, path, `has ${list.length} members, ${limits.maxValues} are allowed`);
    }
    return Array.from(list, (member, index) => copy(member, `${path}[${index}]`, depth + 1));
  }

  function copyObject(object: object, path: string, depth: number): Record<string, unknown> {
    const prototype: unknown = Object.getPrototypeOf(object);
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
      throw channelInputError(channel, path, 'is no plain object');
    }
    const copied: Record<string, unknown> = {};
    for (const [key, member] of Object.entries(object)) {
      if (forbiddenKeys.has(key)) continue;
      const place = path === '' ? key.slice(0, 80) : `${path}.${key.slice(0, 80)}`;
      copied[measure(key, place)] = copy(member, place, depth + 1);
    }
    return copied;
  }

  return copy(value, '', 0);
}
