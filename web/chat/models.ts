/** The choice of a model, which this browser remembers. */
import { call } from '../api/client.ts';
import { element, make } from '../shared/elements.ts';
import { recall, remember } from '../shared/storage.ts';

interface Models {
  default: string;
  models: { id: string; provider: string }[];
}

const choice = element<HTMLSelectElement>('model');

/** Returns the chosen model; undefined for the server's own choice. */
export function chosenModel(): string | undefined {
  return choice.value || undefined;
}

/** Shows the models that are on, the one chosen last first. */
export async function showModels(): Promise<void> {
  const { models, default: standard } = await call<Models>('/models');
  const names = [...new Set([standard, ...models.map(({ id }) => id)])];
  choice.replaceChildren(...names.map((id) => make('option', { value: id }, id)));
  chooseModel(recall('model') ?? standard);
}

/** Chooses a model, where it is on. */
export function chooseModel(name: string | null): void {
  if ([...choice.options].some(({ value }) => value === name)) choice.value = name ?? '';
}

choice.addEventListener('change', () => remember('model', choice.value));
