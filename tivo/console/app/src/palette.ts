/** The colours and type of the console, in both themes: one accent, one red that means live, and greys. */

const TOKENS = {
  paper: ['#fbfbf9', '#0d0f12'],
  panel: ['#ffffff', '#13161a'],
  sunk: ['#f2f2ef', '#090b0d'],
  line: ['#e3e3de', '#23282e'],
  edge: ['#bcbcb5', '#444c55'],
  ink: ['#17191c', '#eceef0'],
  quiet: ['#575b62', '#a5abb3'],
  faint: ['#676b73', '#858c95'],
  bar: ['#959b9f', '#58626c'],
  land: ['#ecece8', '#171b20'],
  coast: ['#d3d3cd', '#2b3138'],
  accent: ['#0a7489', '#4cc3dc'],
  wash: ['#0a748918', '#4cc3dc1f'],
  live: ['#cf2128', '#ff5f5b'],
  warn: ['#8a5a00', '#e6b04a'],
} as const;

export type Ink = keyof typeof TOKENS;
export type Inks = Record<Ink, string>;

const NAMES = Object.keys(TOKENS) as Ink[];

/** Registered as colours, so that a canvas reads them resolved for the theme that holds. */
function install(): void {
  if (NAMES.some((name) => document.documentElement.style.getPropertyValue(`--tivo-${name}`))) return;
  for (const name of NAMES) {
    try {
      CSS.registerProperty({
        name: `--tivo-${name}`,
        syntax: '<color>',
        inherits: true,
        initialValue: TOKENS[name][0],
      });
    } catch {
      return; // there already: the elements and the console share a page
    }
  }
  const rules = NAMES.map((name) => `--tivo-${name}: light-dark(${TOKENS[name].join(', ')});`);
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`:where(:root) { color-scheme: light dark; ${rules.join(' ')} }`);
  document.adoptedStyleSheets.push(sheet);
}

install();

/** The colours as they are now, for a canvas inside `element`. */
export function inksOf(element: Element): Inks {
  const style = getComputedStyle(element);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--tivo-${name}`)])) as Inks;
}

export type Theme = 'auto' | 'light' | 'dark';

export function showTheme(theme: Theme): void {
  document.documentElement.style.colorScheme = theme === 'auto' ? '' : theme;
}

export const SANS = "'Geist', ui-sans-serif, system-ui, sans-serif";
export const MONO = "'Geist Mono', ui-monospace, monospace";
