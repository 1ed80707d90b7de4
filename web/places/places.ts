/**
 * Places in the layout for what the API of this server may have. Each shows where its route is
 * there, so a server that has less has no empty menus. To add one, add a line and a module.
 */
import { knownRoutes, type Route } from '../api/routes.ts';
import { attempt } from '../shared/attempt.ts';
import { button, element } from '../shared/elements.ts';
import { say, type Word } from '../shared/words.ts';

interface Place {
  route: Route;
  name: Word;
  open: () => Promise<unknown>;
}

/** In the order in which they stand in the sidebar. */
const PLACES: Place[] = [
  {
    route: 'get /search',
    name: 'searchAll',
    open: async () => (await import('./search.ts')).showSearch(),
  },
];

/** Shows the places that there are. */
export async function showPlaces(): Promise<void> {
  const routes = await knownRoutes();
  const list = element('places');
  const there = PLACES.filter(({ route }) => routes.has(route));
  list.replaceChildren(
    ...there.map(({ name, open }) =>
      button(say(name), () => void attempt(open), { class: 'quiet' }),
    ),
  );
  list.hidden = there.length === 0;
}
