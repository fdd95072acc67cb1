import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server';

interface LoggedEvent {
  readonly id: string;
  readonly streamId: string;
  readonly message: JSONRPCMessage;
}

/**
 * The last messages of one session, so that a client whose stream broke can fetch what it missed. Bounded: the oldest
 * go first.
 */
export function createEventLog(maxEvents = 256): EventStore {
  const events: LoggedEvent[] = [];
  let count = 0;
  const indexOf = (id: string): number => events.findIndex((event) => event.id === id);
  return {
    async storeEvent(streamId, message) {
      count += 1;
      const id = `${streamId}_${count}`;
      events.push({ id, streamId, message });
      if (events.length > maxEvents) events.shift();
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
        // An event without a message opened the stream; there is nothing to repeat.
        if (event.streamId === streamId && Object.keys(event.message).length > 0) await send(event.id, event.message);
      }
      return streamId;
    },
  };
}
