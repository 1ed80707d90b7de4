/* oxlint-disable parley/import-direction -- the parts of a package that its `exports` do not name */
/**
 * zod as the Worker carries it: without its error messages in fifty languages and without what reads JSON Schema, a sixth of the whole bundle. They cannot be shaken off
 * by the bundler, since the library that describes the API is handed zod as a whole. The paths go around the package's `exports`, which offer no smaller part.
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
