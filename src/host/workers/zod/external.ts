/* oxlint-disable parley/import-direction -- the package's `exports` do not name these parts */
/**
 * zod for the Worker, without its error messages in fifty languages and its reader of JSON Schema,
 * which are a sixth of the bundle. The bundler cannot remove them, since the library that describes
 * the API gets zod as a whole. The paths bypass the package's `exports`, which offer no smaller
 * part.
 */
export * from '../../../../node_modules/zod/v4/classic/schemas.js';
export * from '../../../../node_modules/zod/v4/classic/checks.js';
export * from '../../../../node_modules/zod/v4/classic/errors.js';
export * from '../../../../node_modules/zod/v4/classic/parse.js';
export * from '../../../../node_modules/zod/v4/classic/compat.js';
export * as iso from '../../../../node_modules/zod/v4/classic/iso.js';
export * as coerce from '../../../../node_modules/zod/v4/classic/coerce.js';
export {
  clone,
  config,
  flattenError,
  formatError,
  globalRegistry,
  NEVER,
  prettifyError,
  regexes,
  registry,
  TimePrecision,
  toJSONSchema,
  treeifyError,
  util,
} from 'zod/v4/core';
