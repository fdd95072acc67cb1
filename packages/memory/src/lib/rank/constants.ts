/**
 * The constants of ranking, all in one place and all set by hand. Each has its reason; none was fitted to a data set.
 * BM25 and BM25F: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), sections 3.1 and 3.6.
 */
export const ranking = {
  /** Saturation of repeated words. A little under the usual 1.2: memories are short, a second mention adds little. */
  saturation: 1,
  /** Length normalisation, far below the usual 0.75: a long turn mostly says more, it does not say the same in more words. */
  lengthNorm: 0.2,
  /** Sessions differ in length by how much happened in them, so half of the usual applies. */
  sessionLengthNorm: 0.4,
  /**
   * What a word is worth to the turns after it: an answer seldom repeats the question, and with two people talking the turn after next is by
   * the same person, going on.
   */
  turnsAfter: [0.2, 0.15, 0.06],
  /** A turn that ends with a question is answered by the next one: people who talk take turns (Sacks, Schegloff, Jefferson 1974). */
  previousQuestion: 0.55,
  /**
   * A person who is named in one turn is "she" or "they" in the next two: with such a pronoun a turn is about that person almost as if it
   * had the name.
   */
  namedBefore: [0.5, 0.3],
  /** And to the turns before it, which it explains less: reactions repeat what was said. */
  turnsBefore: [0.12, 0.08, 0.03],
  /** How much the best session adds to the best turn. It orders turns that match alike, it does not outweigh a match. */
  session: 0.25,
  /** Weight of a member of the category that was asked for (`instrument` → `violin`), in words. */
  categoryMember: 0.35,
  /** Weight of a word that means nearly the same. */
  synonym: 0.4,
  /** Weight of a word that the store itself uses in the same places. Learnt, therefore lowest. */
  association: 0.15,
  /** Spoken by the person asked about. */
  speaker: 1.65,
  /** Named in the question, but as somebody to whom or about whom something was said. */
  otherSpeaker: 1.1,
  /** In a conversation of which that person is not part, a match is usually about a namesake of the topic. */
  otherConversation: 0.45,
  /** Happened in the time asked for; just after it (people tell later what happened). */
  insideDate: 1.5,
  afterDate: 1.25,
  /** What a memory of that time scores without sharing a word: "what happened last week" names no topic. */
  dateAlone: 0.3,
  /** The same for a person when the question says nothing else. */
  speakerAlone: 0.3,
  /** How long after the fact people still tell about it, in milliseconds. */
  tellingDelayMs: 10 * 86_400_000,
  /** Form of the answer: a time for "when", a number for "how many", a name for "who" and "where". */
  temporalAnswer: 1.3,
  numericAnswer: 1.12,
  namedAnswer: 1.06,
  /** A turn that only asks holds no answer. */
  onlyQuestion: 0.75,
  /** Neighbouring words of the question found close together. */
  proximity: 0.2,
  /** Weight of the meaning vector against the words, when there is one. */
  vector: 0.35,
  /** Bounds of what importance, recency and access may do together. */
  lowestModifier: 0.7,
  highestModifier: 1.3,
  importance: 0.3,
  recency: 0.06,
  access: 0.04,
  /** Half-life of recency. */
  recencyHalfLifeMs: 30 * 86_400_000,
  /** A text that is in the answer already, said again: worth less than a new one. */
  repetition: 0.5,
  /** For questions that want a list: each further memory of a session that is in the answer already counts a little less. */
  sameSession: 0.93,
  /** Verbs and adjectives that go with any topic (`think`, `new`): half a word. */
  lightWord: 0.5,
  /** Candidates that are looked at word by word. */
  inspected: 60,
  /** A pause this long ends a session. */
  sessionGapMs: 4 * 3_600_000,
} as const;
