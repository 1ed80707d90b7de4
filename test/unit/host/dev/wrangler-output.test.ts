/** What `npm run dev` shows of the lines that wrangler prints. */
import { describe, expect, it } from 'vitest';
import { createWranglerFilter } from '../../../../src/host/dev/wrangler-output.ts';

const shown = (text: string): string[] => {
  const filter = createWranglerFilter();
  return text.split('\n').flatMap((line) => filter(line) ?? []);
};

describe('the filter of what wrangler prints', () => {
  it('says nothing of the set-up', () => {
    const lines = [
      '[custom build] Running: node src/host/build/assets.ts',
      'Using secrets defined in .data/x.env',
      'Your Worker has access to the following bindings:',
      'Binding                                Resource                  Mode',
      'env.ROOMS (DurableRoom)                Durable Object            local',
      '│ cmaps/78-H.bcmap │ buffer │ 2.32 KiB │',
      '',
    ];
    expect(shown(lines.join('\n'))).toEqual([]);
  });

  it('tells of a reload', () => {
    const lines = [
      'The file src/app.ts changed, restarting build...',
      '⎔ Reloading local server...',
      '\u001B[2m⎔ Local server updated and ready\u001B[22m',
    ];
    expect(shown(lines.join('\n'))).toEqual(['src/app.ts has changed; building again', 'reloaded']);
  });

  it('shows the log of the Worker without what wrangler puts around it', () => {
    const line = '{"time":"2026-11-27T11:36:15.373Z","level":"warn","message":"request"}';
    const wrapped = `\u001B[33m▲ \u001B[43;33m[\u001B[43;30mWARNING\u001B[43;33m]\u001B[0m ${line}`;
    expect(shown([line, wrapped, ''].join('\n'))).toEqual([line, line]);
  });

  it('shows an error of a build with its lines, and not a warning that is known', () => {
    const text = [
      '▲ [WARNING] Scheduled Workers are not automatically triggered during local development.',
      '',
      '  To manually trigger a scheduled event, run:',
      '✘ [ERROR] Build failed with 1 error:',
      '',
      '  src/core/ids.ts:35:10:',
      'a line of the Worker itself',
    ];
    expect(shown(text.join('\n'))).toEqual([
      '✘ [ERROR] Build failed with 1 error:',
      '  src/core/ids.ts:35:10:',
      'a line of the Worker itself',
    ]);
  });
});
