/**
 * The libraries that are seldom needed on Workers: modules beside the main one (see `modules.ts`).
 */
import type { JoseLibrary } from '../../auth/token.ts';
import type { Libraries, OfficeLibrary } from '../../documents/libraries.ts';
import type * as OpenTelemetry from '../telemetry/open-telemetry.ts';
import type * as Reading from '../../routes/reading/render-page.ts';
import type { McpLibrary } from '../../turns/tools/mcp/library.ts';
import type { PdfLibrary } from '../../documents/pdf-to-text.ts';

/**
 * Imports by a name that the bundler cannot follow, so that it leaves the module in its own file.
 */
const moduleAt = (path: string): Promise<unknown> => import(path);

// Each module is built from the package that the type belongs to, see `modules.ts`.
export const libraries: Libraries = {
  markup: async () => (await moduleAt('./markup.mjs')) as Awaited<ReturnType<Libraries['markup']>>,
  office: async () => (await moduleAt('./office.mjs')) as OfficeLibrary,
  pdf: async () => ({
    ...((await moduleAt('./pdf.mjs')) as Omit<PdfLibrary, 'readCMap'>),
    readCMap: async (fileName) => {
      const file = (await moduleAt(`./cmaps/${fileName}`)) as { default: ArrayBuffer };
      return new Uint8Array(file.default);
    },
  }),
};

/** Loads the library that checks tokens. */
export async function loadJose(): Promise<JoseLibrary> {
  return (await moduleAt('./jose.mjs')) as JoseLibrary;
}

/** Loads what renders pages without scripts. */
export async function loadReading(): Promise<Pick<typeof Reading, 'renderPage'>> {
  return (await moduleAt('./reading.mjs')) as typeof Reading;
}

/** Loads what tells those who watch. */
export async function loadTelemetry(): Promise<Pick<typeof OpenTelemetry, 'createTelemetry'>> {
  return (await moduleAt('./telemetry.mjs')) as typeof OpenTelemetry;
}

/** Loads the library that speaks to MCP servers. */
export async function loadMcp(): Promise<McpLibrary> {
  return (await moduleAt('./mcp.mjs')) as McpLibrary;
}
