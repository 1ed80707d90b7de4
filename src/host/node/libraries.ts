/** The libraries that read documents, on Node: packages, each loaded when it is first needed. */
import type { Libraries } from '../../documents/libraries.ts';

export const libraries: Libraries = {
  markup: () => import('htmlparser2'),
  pdf: () => import('unpdf'),
};
