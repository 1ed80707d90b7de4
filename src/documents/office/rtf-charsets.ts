/** The charsets of Rich Text Format, by their numbers in Windows. */

/** Code pages that are not `windows-` with their number, as the Encoding standard names them. */
const CODE_PAGES: Readonly<Record<number, string>> = {
  ...{ 866: 'ibm866', 874: 'windows-874', 932: 'shift_jis', 936: 'gbk', 949: 'euc-kr' },
  ...{ 950: 'big5', 10_000: 'macintosh', 10_007: 'x-mac-cyrillic', 20_866: 'koi8-r' },
  ...{ 54_936: 'gb18030', 65_001: 'utf-8' },
};

/** Code pages of the charsets that fonts name (`\fcharset`). */
const FONT_CODE_PAGES: Readonly<Record<number, number>> = {
  ...{ 77: 10_000, 128: 932, 129: 949, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258 },
  ...{ 177: 1255, 178: 1256, 186: 1257, 204: 1251, 222: 874, 238: 1250 },
};

/** Returns the decoder's label of a code page: that of Western Europe for one that is unknown. */
export function charsetOfCodePage(number: number): string {
  const isWindows = number >= 1250 && number <= 1258;
  return CODE_PAGES[number] ?? (isWindows ? `windows-${number}` : 'windows-1252');
}

/** Returns the label of a font's charset; undefined for the document's own. */
export function charsetOfFont(number: number): string | undefined {
  const codePage = FONT_CODE_PAGES[number];
  return codePage === undefined ? undefined : charsetOfCodePage(codePage);
}
