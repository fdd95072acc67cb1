/** The part of the DOM that reading a page needs; linkedom implements it. */
export interface HtmlElement {
  readonly textContent: string | null;
  querySelector(selector: string): HtmlElement | null;
  querySelectorAll(selector: string): Iterable<HtmlElement> & { readonly length: number };
  getAttribute(name: string): string | null;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
  cloneNode(deep: boolean): HtmlElement;
  remove(): void;
}

export interface HtmlDocument extends HtmlElement {
  readonly body: HtmlElement | null;
}
