/** Reads from a Word document's styles what its paragraphs are. */
import { headingLevelOf } from './headings.ts';
import { attribute, readXml } from './xml.ts';

export interface ParagraphStyle {
  /** Level of the heading; 0 for none. */
  level: number;
  isListed: boolean;
}

interface Style {
  level: number | undefined;
  isListed: boolean;
  basedOn: string;
}

/** Styles are based on each other; a longer chain is a circle. */
const LONGEST_CHAIN = 16;

/**
 * Returns what the styles of a document say, by their ids. The level of a heading is its outline
 * level, else that of its English name, else that of the style that it is based on.
 */
export function paragraphStyles(bytes: Uint8Array | undefined): Map<string, ParagraphStyle> {
  const styles = bytes ? readStyles(bytes) : new Map<string, Style>();
  return new Map([...styles.keys()].map((id) => [id, resolved(id, styles)]));
}

function readStyles(bytes: Uint8Array): Map<string, Style> {
  const styles = new Map<string, Style>();
  let style: Style = { level: undefined, isListed: false, basedOn: '' };
  readXml(bytes, {
    open(name, attributes) {
      const value = attribute(attributes, 'val') ?? '';
      if (name === 'style') {
        style = { level: undefined, isListed: false, basedOn: '' };
        styles.set(attribute(attributes, 'styleId') ?? '', style);
      } else if (name === 'name') style.level = headingLevelOf(value) || undefined;
      else if (name === 'basedOn') style.basedOn = value;
      else if (name === 'outlineLvl') style.level = Number(value) < 9 ? Number(value) + 1 : 0;
      else if (name === 'numPr') style.isListed = true;
    },
  });
  return styles;
}

function resolved(id: string, styles: ReadonlyMap<string, Style>): ParagraphStyle {
  let level: number | undefined;
  let isListed = false;
  let at = styles.get(id);
  for (let step = 0; at && step < LONGEST_CHAIN; step++) {
    level ??= at.level;
    isListed ||= at.isListed;
    at = styles.get(at.basedOn);
  }
  return { level: level ?? 0, isListed };
}
