import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server';

interface LoggedEvent {
  readonly id: string;
  readonly streamId: string;
  /** JSON. */
  readonly message: string;
}

/**
 * The last messages of one session, so that a client whose stream broke can fetch what it missed. Bounded in number and in
 * characters: the oldest go first, and a message that is larger than all of it is not kept.
 */
export function createEventLog({ maxEvents = 256, maxCharacters = 2 * 1024 * 1024 } = {}): EventStore {
  const events: LoggedEvent[] = [];
  let count = 0;
  let characters = 0;
  const indexOf = (id: string): number => events.findIndex((event) => event.id === id);
  return {
    async storeEvent(streamId, message) {
      count += 1;
      const id = `${streamId}_${count}`;
      const text = JSON.stringify(message);
      events.push({ id, streamId, message: text });
      characters += text.length;
      while (events.length > maxEvents || characters > maxCharacters)
        characters -= events.shift()?.message.length ?? characters;
      return id;
    },
    async getStreamIdForEventId(id) {
      return events[indexOf(id)]?.streamId;
    },
    async replayEventsAfter(lastEventId, { send }) {
      const start = indexOf(lastEventId);
      const streamId = events[start]?.streamId;
      if (streamId === undefined) return '';
      for (const event of events.slice(start + 1)) {
        const message = JSON.parse(event.message) as JSONRPCMessage;
        // An event without a message opened the stream; there is nothing to repeat.
        if (event.streamId === streamId && Object.keys(message).length > 0) await send(event.id, message);
      }
      return streamId;
    },
  };
}
