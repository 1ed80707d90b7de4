/* global Redoc */
const fontFamily = 'system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif';

Redoc.init(
  '/openapi.json',
  {
    theme: {
      colors: { primary: { main: '#0d7a6f' } },
      typography: {
        fontFamily,
        headings: { fontFamily },
        code: { fontFamily: 'ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace' },
      },
    },
  },
  document.getElementById('redoc'),
);
