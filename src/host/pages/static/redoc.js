/* global Redoc */
const fontFamily = 'system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif';
const dark = matchMedia('(prefers-color-scheme: dark)');

const LIGHT = {
  colors: { primary: { main: '#0b6e63' } },
  sidebar: { backgroundColor: '#f4f2ee' },
  rightPanel: { backgroundColor: '#1d302d' },
};
const DARK = {
  colors: {
    primary: { main: '#6fd3c4' },
    text: { primary: '#ececee', secondary: '#a6a9b3' },
    border: { dark: '#33363d', light: '#33363d' },
    gray: { 50: '#202226', 100: '#33363d' },
    http: { get: '#2f8f5b', post: '#2f7fb5', patch: '#a8741a', delete: '#b3372b' },
    responses: {
      success: { color: '#63c98f', backgroundColor: '#16271d', tabTextColor: '#63c98f' },
      error: { color: '#ff8f80', backgroundColor: '#2b1917', tabTextColor: '#ff8f80' },
    },
  },
  schema: { nestedBackground: '#202226', linesColor: '#4a545b', typeNameColor: '#a6a9b3' },
  sidebar: { backgroundColor: '#202226', textColor: '#ececee', activeTextColor: '#6fd3c4' },
  rightPanel: { backgroundColor: '#121316', textColor: '#ececee' },
  codeBlock: { backgroundColor: '#202226' },
};

function show() {
  document.documentElement.classList.toggle('dark-mode', dark.matches);
  const theme = dark.matches ? DARK : LIGHT;
  const typography = {
    fontFamily,
    headings: { fontFamily },
    code: { fontFamily: 'ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace' },
  };
  const options = { theme: { ...theme, typography } };
  Redoc.init('/openapi.json', options, document.getElementById('redoc'));
}
show();
dark.addEventListener('change', show);
