/** Colours code. The library only cuts it into tokens; the elements are made here. */
import './prism-manual.ts';
import Prism from 'prismjs/components/prism-core';
import 'prismjs/components/prism-markup';
import 'prismjs/components/prism-css';
import 'prismjs/components/prism-clike';
import 'prismjs/components/prism-javascript';
import 'prismjs/components/prism-typescript';
import 'prismjs/components/prism-json';
import 'prismjs/components/prism-python';
import 'prismjs/components/prism-bash';
import 'prismjs/components/prism-sql';
import 'prismjs/components/prism-go';
import 'prismjs/components/prism-rust';
import 'prismjs/components/prism-java';
import 'prismjs/components/prism-c';
import 'prismjs/components/prism-cpp';
import 'prismjs/components/prism-csharp';
import 'prismjs/components/prism-yaml';
import 'prismjs/components/prism-diff';

const ALIASES: Readonly<Record<string, string>> = {
  'c++': 'cpp',
  'c#': 'csharp',
  cs: 'csharp',
  jsonc: 'json',
  py: 'python',
  rs: 'rust',
  sh: 'bash',
  shell: 'bash',
  tsx: 'typescript',
  jsx: 'javascript',
  yml: 'yaml',
  zsh: 'bash',
};

/** Colours the text of an element, where its language is known. */
export function highlight(code: HTMLElement, language: string): void {
  const grammar = Prism.languages[ALIASES[language] ?? language];
  if (typeof grammar !== 'object') return;
  code.replaceChildren(...Prism.tokenize(code.textContent, grammar).map(draw));
}

function draw(token: string | Prism.Token): Node {
  if (typeof token === 'string') return document.createTextNode(token);
  const made = document.createElement('span');
  made.className = `token ${token.type}`;
  made.append(...[token.content].flat().map(draw));
  return made;
}
