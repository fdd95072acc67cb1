/** A page as the web has it: what a reader came for, and everything around it. */
export interface PageShape {
  readonly name: string;
  readonly html: string;
  readonly main: readonly string[];
  readonly boilerplate: readonly string[];
}

const words =
  'bridge river stone arch load wind winter repair council budget ferry harbour engineer survey timber rail station market winter lamp valley north signal report crossing traffic plan'.split(
    ' ',
  );

/** Sentences that occur once only, so that each can be looked for. */
class Sentences {
  #count = 0;
  readonly main: string[] = [];
  readonly boilerplate: string[] = [];

  #make(length: number): string {
    this.#count += 1;
    const picked = Array.from(
      { length },
      (_, index) => words[(this.#count * 7 + index * (this.#count % 5 || 3)) % words.length],
    );
    return `The ${picked.join(' ')} number ${this.#count} was looked at again, and nobody was surprised.`;
  }

  text(length = 14): string {
    const text = this.#make(length);
    this.main.push(text);
    return text;
  }

  noise(text: string): string {
    this.#count += 1;
    const marked = `${text} ${this.#count}`;
    this.boilerplate.push(marked);
    return marked;
  }

  paragraphs(count: number, tag = 'p'): string {
    return Array.from({ length: count }, () => `<${tag}>${this.text()} ${this.text(10)}</${tag}>`).join('\n');
  }

  menu(count: number): string {
    const names = ['Home', 'World', 'Sport', 'Shop', 'About us', 'Contact', 'Careers', 'Archive'];
    return `<ul>${Array.from({ length: count }, (_, index) => `<li><a href="/m${index}">${this.noise(names[index % names.length] ?? 'More')}</a></li>`).join('')}</ul>`;
  }

  footer(): string {
    return `<p>${this.noise('Copyright, all rights reserved')}</p><p><a href="/privacy">${this.noise('Privacy policy')}</a> <a href="/terms">${this.noise('Terms of use')}</a></p>`;
  }

  related(count: number): string {
    return `<h3>${this.noise('You may also like')}</h3><ul>${Array.from({ length: count }, () => `<li><a href="/r">${this.noise('Ten things nobody told you about')}</a></li>`).join('')}</ul>`;
  }
}

type Build = (s: Sentences) => string;

const shapes: Readonly<Record<string, Build>> = {
  'news article with semantic tags': (s) =>
    `<header><nav>${s.menu(8)}</nav></header><main><article><h1>Bridge closed</h1>${s.paragraphs(8)}</article></main><aside>${s.related(5)}</aside><footer>${s.footer()}</footer>`,
  'blog of divs and class names': (s) =>
    `<div id="header">${s.menu(6)}</div><div class="wrap"><div class="post"><h2 class="post-title">Note</h2><div class="entry-content">${s.paragraphs(6)}</div></div><div class="sidebar">${s.related(6)}</div></div><div id="footer">${s.footer()}</div>`,
  'page laid out with tables': (s) =>
    `<table width="100%"><tr><td colspan="2">${s.menu(6)}</td></tr><tr><td width="150">${s.related(4)}</td><td>${s.paragraphs(7)}</td></tr><tr><td colspan="2">${s.footer()}</td></tr></table>`,
  'encyclopedia entry': (s) =>
    `<div id="mw-navigation" class="navigation">${s.menu(8)}</div><div id="content" role="main"><h1>Arch</h1><div class="mw-parser-output">${s.paragraphs(4)}<h2>History</h2>${s.paragraphs(4)}<h2>Types</h2>${s.paragraphs(3)}</div></div><div id="footer" role="contentinfo">${s.footer()}</div>`,
  'documentation with a side menu': (s) =>
    `<div class="layout"><nav class="sidebar menu">${s.menu(8)}</nav><main class="content"><h1>Install</h1>${s.paragraphs(3)}<pre><code>npm install bridge</code></pre>${s.paragraphs(3)}<h2>Configure</h2>${s.paragraphs(2)}</main></div><footer>${s.footer()}</footer>`,
  'article with comments': (s) =>
    `<article>${s.paragraphs(7)}</article><section id="comments" class="comments">${Array.from({ length: 6 }, () => `<div class="comment"><b>user</b><p>${s.noise('First! Great post, thanks for sharing')}</p></div>`).join('')}</section><footer>${s.footer()}</footer>`,
  'article with advertisements inside': (s) =>
    `<nav>${s.menu(5)}</nav><article>${s.paragraphs(3)}<div class="ad advertisement">${s.noise('Advertisement: buy two lamps')}</div>${s.paragraphs(3)}<div class="sponsor promo">${s.noise('Sponsored content')}</div>${s.paragraphs(3)}</article>`,
  'article with sharing buttons': (s) =>
    `<article><h1>Ferry</h1><div class="share social">${s.noise('Share on a network')} ${s.noise('Copy the link')}</div>${s.paragraphs(7)}<div class="share-buttons social">${s.noise('Tweet this')}</div></article><footer>${s.footer()}</footer>`,
  'newsletter box in the middle': (s) =>
    `<main><article>${s.paragraphs(4)}<form class="newsletter subscribe"><p>${s.noise('Sign up for our newsletter')}</p><input type="email"><button>${s.noise('Subscribe now')}</button></form>${s.paragraphs(4)}</article></main>`,
  'cookie banner in front': (s) =>
    `<div id="cookie-consent" class="cookie-banner" role="dialog"><p>${s.noise('We value your privacy and use cookies')}</p><button>${s.noise('Accept all')}</button></div><main>${s.paragraphs(8)}</main><footer>${s.footer()}</footer>`,
  'question with answers': (s) =>
    `<header>${s.menu(5)}</header><main><h1>How?</h1><div class="question"><div class="body">${s.paragraphs(3)}</div></div><div class="answer"><div class="body">${s.paragraphs(4)}</div></div><div class="answer"><div class="body">${s.paragraphs(3)}</div></div></main><div class="sidebar">${s.related(5)}</div>`,
  recipe: (s) =>
    `<nav>${s.menu(6)}</nav><article><h1>Soup</h1>${s.paragraphs(3)}<h2>Steps</h2><ol>${Array.from({ length: 6 }, () => `<li>${s.text()}</li>`).join('')}</ol>${s.paragraphs(2)}</article><footer>${s.footer()}</footer>`,
  'release notes': (s) =>
    `<nav>${s.menu(5)}</nav><main><h1>Version 2</h1><h2>Added</h2><ul>${Array.from({ length: 6 }, () => `<li>${s.text()}</li>`).join('')}</ul><h2>Fixed</h2><ul>${Array.from({ length: 6 }, () => `<li>${s.text()}</li>`).join('')}</ul></main><footer>${s.footer()}</footer>`,
  'questions that unfold': (s) =>
    `<nav>${s.menu(5)}</nav><main><h1>Questions</h1>${Array.from({ length: 6 }, () => `<details open><summary>${s.text(6)}</summary><p>${s.text()} ${s.text()}</p></details>`).join('')}</main><footer>${s.footer()}</footer>`,
  'press release': (s) =>
    `<div class="topbar">${s.menu(5)}</div><div class="press-release"><p><strong>Oslo</strong> ${s.text()}</p>${s.paragraphs(6)}</div><div class="footer">${s.footer()}</div>`,
  'abstract of a paper': (s) =>
    `<header>${s.menu(5)}</header><main><h1>On arches</h1><section id="abstract"><h2>Abstract</h2><p>${s.text()} ${s.text()} ${s.text()} ${s.text()} ${s.text()}</p></section><section><h2>Results</h2>${s.paragraphs(3)}</section></main><footer>${s.footer()}</footer>`,
  'message of a mailing list': (s) =>
    `<h1>Re: bridge</h1><pre>\n${Array.from({ length: 12 }, () => s.text()).join('\n')}\n</pre><hr><div class="footer">${s.footer()}</div>`,
  'paragraphs by line breaks': (s) =>
    `<div id="menu" class="menu">${s.menu(6)}</div><div id="text">${Array.from({ length: 14 }, () => s.text()).join('<br><br>')}</div><div id="footer" class="footer">${s.footer()}</div>`,
  'job advertisement': (s) =>
    `<header>${s.menu(6)}</header><main><h1>Engineer</h1>${s.paragraphs(3)}<h2>You bring</h2><ul>${Array.from({ length: 5 }, () => `<li>${s.text()}</li>`).join('')}</ul>${s.paragraphs(2)}</main><aside>${s.related(4)}</aside>`,
  'terms of a contract': (s) =>
    `<nav>${s.menu(5)}</nav><div class="legal">${Array.from({ length: 6 }, (_, index) => `<h3>${index + 1}. Clause</h3>${s.paragraphs(2)}`).join('')}</div><footer>${s.footer()}</footer>`,
  interview: (s) =>
    `<article><h1>Talk</h1>${Array.from({ length: 6 }, () => `<p><strong>${s.text(6)}</strong></p><p>${s.text()} ${s.text()}</p>`).join('')}</article><aside class="related">${s.related(5)}</aside>`,
  'pictures with captions': (s) =>
    `<nav>${s.menu(5)}</nav><article>${s.paragraphs(3)}${Array.from({ length: 4 }, () => `<figure><img src="/a.jpg" alt=""><figcaption>${s.text(8)}</figcaption></figure>`).join('')}${s.paragraphs(3)}</article>`,
  'article in Japanese': (s) => {
    const lines = Array.from(
      { length: 12 },
      (_, index) =>
        `橋の検査は${index + 1}回目で、冬の前に終わった。町の人々は長いあいだ待っていたが、だれも驚かなかった。`,
    );
    s.main.push(...lines);
    return `<nav>${s.menu(6)}</nav><article><h1>橋</h1>${lines.map((line) => `<p>${line}</p>`).join('')}</article><footer>${s.footer()}</footer>`;
  },
  'article in Arabic': (s) => {
    const lines = Array.from(
      { length: 12 },
      (_, index) => `انتهى فحص الجسر رقم ${index + 1} قبل الشتاء، وانتظر الناس وقتا طويلا، ولم يتفاجأ أحد بالنتيجة.`,
    );
    s.main.push(...lines);
    return `<nav>${s.menu(6)}</nav><article dir="rtl"><h1>الجسر</h1>${lines.map((line) => `<p>${line}</p>`).join('')}</article><footer>${s.footer()}</footer>`;
  },
  'short notice': (s) =>
    `<nav>${s.menu(8)}</nav><main><h1>Notice</h1><p>${s.text()} ${s.text()}</p></main><footer>${s.footer()}</footer>`,
  'very long article': (s) =>
    `<nav>${s.menu(6)}</nav><article>${Array.from({ length: 12 }, () => `<h2>Part</h2>${s.paragraphs(8)}`).join('')}</article><aside>${s.related(8)}</aside><footer>${s.footer()}</footer>`,
  'text hidden from readers': (s) =>
    `<article>${s.paragraphs(7)}<p style="display:none">${s.noise('Hidden words for machines')}</p><div hidden><p>${s.noise('Not for your eyes')}</p></div><div aria-hidden="true">${s.noise('Decoration')}</div></article><footer>${s.footer()}</footer>`,
  'unclosed tags': (s) =>
    `<div class=nav>${s.menu(5)}</div><div class=body><p>${s.text()}<p>${s.text()} ${s.text()}<p>${s.text()}<ul><li>${s.text()}<li>${s.text()}</ul><p>${s.text()} ${s.text()}<p>${s.text()}</div><div class=footer>${s.footer()}`,
  'application shell with text': (s) =>
    `<div id="root"><div class="css-1x"><div class="css-2y" role="navigation">${s.menu(6)}</div><div class="css-3z"><div class="css-4a">${s.paragraphs(8, 'div')}</div></div><div class="css-5b" role="contentinfo">${s.footer()}</div></div></div><script>window.__STATE__={"a":1}</script>`,
  'table of facts in a text': (s) =>
    `<nav>${s.menu(5)}</nav><article>${s.paragraphs(4)}<table><tr><th>Year</th><th>What</th></tr>${Array.from({ length: 4 }, (_, index) => `<tr><td>${1900 + index}</td><td>${s.text(6)}</td></tr>`).join('')}</table>${s.paragraphs(3)}</article><footer>${s.footer()}</footer>`,
};

export function pageShapes(): readonly PageShape[] {
  return Object.entries(shapes).map(([name, build]) => {
    const sentences = new Sentences();
    const body = build(sentences);
    const html = `<!doctype html><html><head><title>${name} - Example</title></head><body>${body}</body></html>`;
    return { name, html, main: sentences.main, boilerplate: sentences.boilerplate };
  });
}
