/** Choices of colours and of a language, which this browser remembers. */
import { make } from '../shared/elements.ts';
import { recall, remember } from '../shared/storage.ts';
import { LANGUAGES, language, say, type Word } from '../shared/words.ts';

/** Seconds for which the choice of a language is kept: a year. */
const KEPT_SECONDS = 31_536_000;
/** The server reads it, since it sends the page in that language. */
const COOKIE = 'parley_language';

/** Draws the choices. */
export function drawLook(): Node[] {
  return [drawColours(), drawLanguages()];
}

function drawColours(): HTMLElement {
  const themes: Word[] = ['system', 'light', 'dark'];
  const options = themes.map((theme) => ({ value: theme, name: say(theme) }));
  return drawChoice(say('colours'), options, recall('theme') ?? 'system', (theme) => {
    document.documentElement.dataset['theme'] = theme;
    remember('theme', theme);
  });
}

function drawLanguages(): HTMLElement {
  const options = Object.keys(LANGUAGES).map((value) => ({ value, name: nameOf(value) }));
  return drawChoice(say('language'), options, language, (chosen) => {
    document.cookie = `${COOKIE}=${chosen}; path=/; max-age=${KEPT_SECONDS}; samesite=strict`;
    location.reload();
  });
}

/** The name of a language in itself, such as `Deutsch`. */
function nameOf(code: string): string {
  return new Intl.DisplayNames(code, { type: 'language' }).of(code) ?? code;
}

interface Option {
  value: string;
  name: string;
}

function drawChoice(
  title: string,
  options: readonly Option[],
  chosen: string,
  choose: (value: string) => void,
): HTMLElement {
  const choices = options.map(({ value, name }) => {
    const checked = value === chosen;
    const input = make('input', { type: 'radio', name: title, value, checked });
    input.addEventListener('change', () => choose(value));
    return make('label', { class: 'choice' }, input, name);
  });
  return make('fieldset', {}, make('legend', {}, title), ...choices);
}
