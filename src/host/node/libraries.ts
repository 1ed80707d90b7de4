/** The libraries that read documents on Node: packages, each loaded when it is first needed. */
import { readFile } from 'node:fs/promises';
import type { Libraries } from '../../documents/libraries.ts';

const CMAPS = new URL('../cmaps/', import.meta.url);

export const libraries: Libraries = {
  markup: () => import('htmlparser2'),
  office: () => import('../../documents/office/read-office.ts'),
  pdf: async () => ({
    ...(await import('unpdf')),
    Unzlib: (await import('fflate')).Unzlib,
    readCMap: (fileName) => readFile(new URL(fileName, CMAPS)),
  }),
};
