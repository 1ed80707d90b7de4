/** The pictures of buttons, as lines on a field of 24. */
const PATHS = {
  again: 'M20 11a8 8 0 1 0-2.3 6.3M20 5v6h-6',
  attach:
    'M20 11.5 12 19.4a5 5 0 0 1-7-7l8.500-8.400a3.300 3.300 0 0 1 4.700 4.700l-8.400 8.400a1.700 1.700 0 0 1-2.400-2.400L15 7',
  check: 'm5 13 4 4L19 7',
  close: 'M6 6l12 12M18 6 6 18',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  document: 'M14 3H6v18h12V7zM14 3v4h4M9 12h6M9 16h6',
  down: 'M12 5v14M6 13l6 6 6-6',
  edit: 'M4 20h4L19 9l-4-4L4 16zM13 7l4 4',
  fork: 'M7 4v16M7 14c6 0 10-2 10-8M14 8l3-3 3 3',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  next: 'm9 6 6 6-6 6',
  picture: 'M4 5h16v14H4zM4 16l5-5 4 4 2-2 5 5M15.500 9h.01',
  previous: 'm15 6-6 6 6 6',
  remove: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13',
  send: 'M12 19V5M6 11l6-6 6 6',
  tool: 'M14 6a4.500 4.500 0 0 0-5.700 5.700L3 17v4h4l5.300-5.300A4.500 4.500 0 0 0 18 10l-3 3-4-4z',
} as const;

export type IconName = keyof typeof PATHS;

const SVG = 'http://www.w3.org/2000/svg';

/** Draws a picture that says nothing to screen readers. */
export function drawIcon(name: IconName): SVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}
