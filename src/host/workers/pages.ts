import { assetName } from '../pages/files.ts';
import { createPages, type Pages } from '../pages/pages.ts';

/** The part of Workers' binding for static assets that the pages need. */
interface AssetsBinding {
  fetch(url: string): Promise<Response>;
}

/** The pages as Workers serves them: from the static assets that `host/assets.ts` put together. */
export function createWorkerPages(assets: AssetsBinding): Pages {
  return createPages(async (path) => {
    // Only the path counts to the binding; the host has to be there for the address to be whole.
    const found = await assets.fetch(`https://assets.invalid${assetName(path)}`);
    return found.ok ? (found.body ?? undefined) : undefined;
  });
}
