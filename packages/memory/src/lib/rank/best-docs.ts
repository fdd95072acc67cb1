/** Keeps the best `limit` documents; equal scores keep the earlier document, so answers are repeatable. */
export class BestDocs {
  readonly #docs: number[] = [];
  readonly #scores: number[] = [];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** A score below this one changes nothing. */
  get threshold(): number {
    return this.#docs.length >= this.#limit ? (this.#scores[0] ?? 0) : Number.NEGATIVE_INFINITY;
  }

  offer(doc: number, score: number): void {
    const full = this.#docs.length >= this.#limit;
    if (full && !this.#worse(0, score, doc)) return;
    if (full) this.#replaceRoot(doc, score);
    else this.#insert(doc, score);
  }

  take(): { doc: number; score: number }[] {
    return this.#docs
      .map((doc, at) => ({ doc, score: this.#scores[at] ?? 0 }))
      .sort((left, right) => right.score - left.score || left.doc - right.doc);
  }

  /** True when the entry at `at` is worse than the given one. */
  #worse(at: number, score: number, doc: number): boolean {
    const own = this.#scores[at] ?? 0;
    return own < score || (own === score && (this.#docs[at] ?? 0) > doc);
  }

  #insert(doc: number, score: number): void {
    let at = this.#docs.length;
    this.#docs.push(doc);
    this.#scores.push(score);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#worse(parent, score, doc)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #replaceRoot(doc: number, score: number): void {
    this.#docs[0] = doc;
    this.#scores[0] = score;
    let at = 0;
    for (;;) {
      const left = at * 2 + 1;
      if (left >= this.#docs.length) return;
      const right = left + 1;
      const least =
        right < this.#docs.length && this.#worse(right, this.#scores[left] ?? 0, this.#docs[left] ?? 0) ? right : left;
      if (!this.#worse(least, this.#scores[at] ?? 0, this.#docs[at] ?? 0)) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #swap(left: number, right: number): void {
    [this.#docs[left], this.#docs[right]] = [this.#docs[right] ?? 0, this.#docs[left] ?? 0];
    [this.#scores[left], this.#scores[right]] = [this.#scores[right] ?? 0, this.#scores[left] ?? 0];
  }
}
