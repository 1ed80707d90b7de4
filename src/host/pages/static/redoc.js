/* global Redoc */
const fontFamily = 'system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif';
const dark = matchMedia('(prefers-color-scheme: dark)');

const LIGHT = { colors: { primary: { main: '#0d7a6f' } } };
const DARK = {
  colors: {
    primary: { main: '#4fc7b8' },
    text: { primary: '#e8eaeb', secondary: '#a3adb3' },
    border: { dark: '#30373d', light: '#30373d' },
    gray: { 50: '#1c2125', 100: '#30373d' },
    http: { get: '#2f8f5b', post: '#2f7fb5', patch: '#a8741a', delete: '#b3372b' },
    responses: {
      success: { color: '#63c98f', backgroundColor: '#16271d', tabTextColor: '#63c98f' },
      error: { color: '#ff8f80', backgroundColor: '#2b1917', tabTextColor: '#ff8f80' },
    },
  },
  schema: { nestedBackground: '#1c2125', linesColor: '#4a545b', typeNameColor: '#a3adb3' },
  sidebar: { backgroundColor: '#1c2125', textColor: '#e8eaeb', activeTextColor: '#4fc7b8' },
  rightPanel: { backgroundColor: '#0f1214', textColor: '#e8eaeb' },
  codeBlock: { backgroundColor: '#1c2125' },
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
