/**
 * Extracts what was filled into a PDF: the values of its form fields, and text laid over its pages.
 */

/** The properties of a PDF.js annotation that are used here. */
interface Annotation {
  subtype?: string;
  annotationFlags?: number;
  contentsObj?: { str?: string };
  fieldType?: string;
  fieldName?: string;
  alternativeText?: string;
  fieldValue?: unknown;
  options?: { exportValue?: string; displayValue?: string }[];
  password?: boolean;
  pushButton?: boolean;
  radioButton?: boolean;
  buttonValue?: string;
}

/** Flags for invisible, hidden and not viewed (ISO 32000-1, table 165). */
const NOT_SHOWN = 1 | 2 | 32;
/** Annotations whose contents were written for readers. */
const NOTES = new Set([
  'FreeText',
  'Text',
  'Highlight',
  'Underline',
  'StrikeOut',
  'Caret',
  'Stamp',
]);

/** Returns the lines that annotations add to a page's text, each once. */
export function annotationLines(annotations: readonly object[]): string[] {
  const lines = annotations.map(lineOf).filter((line) => line !== '');
  return [...new Set(lines)];
}

function lineOf(annotation: Annotation): string {
  if (((annotation.annotationFlags ?? 0) & NOT_SHOWN) !== 0) return '';
  const { subtype = '' } = annotation;
  if (NOTES.has(subtype)) return annotation.contentsObj?.str?.trim() ?? '';
  if (subtype !== 'Widget') return '';
  const value = valueOf(annotation).trim();
  if (value === '') return '';
  const label = labelOf(annotation);
  return label === '' ? value : `${label}: ${value}`;
}

function valueOf(annotation: Annotation): string {
  const { fieldType, fieldValue, options = [] } = annotation;
  if (annotation.password || annotation.pushButton) return '';
  if (fieldType === 'Btn') return buttonValue(annotation);
  if (fieldType !== 'Tx' && fieldType !== 'Ch') return '';
  return [fieldValue]
    .flat()
    .filter((value) => typeof value === 'string')
    .map((value) => options.find(({ exportValue }) => exportValue === value)?.displayValue ?? value)
    .join(', ');
}

/** Returns the value of a box that is checked. Without a label, "Yes" would have no meaning. */
function buttonValue(annotation: Annotation): string {
  const { fieldValue, radioButton, buttonValue: own } = annotation;
  if (typeof fieldValue !== 'string' || fieldValue === 'Off') return '';
  if (radioButton && own !== fieldValue) return '';
  return labelOf(annotation) === '' ? '' : fieldValue;
}

/** Returns the label that people see for the field, else its name if that consists of words. */
function labelOf({ alternativeText, fieldName }: Annotation): string {
  const told = alternativeText?.trim();
  if (told) return told;
  const name = fieldName?.split('.').at(-1)?.replaceAll('_', ' ').trim() ?? '';
  return /\p{L}{3}/u.test(name) && !/[[\]#]/.test(name) ? name : '';
}
