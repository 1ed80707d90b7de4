/**
 * Changes messages while the focus stays: in its message, and on the button of the same name. What
 * is drawn anew has lost it, and its reader would have to look for the place again.
 */

/** @param find returns the element of the message that has the focus, before and after */
export function keepFocus(find: () => Element | null | undefined, change: () => void): void {
  const focused = document.activeElement;
  const hadIt = focused !== null && find()?.contains(focused);
  const name = focused?.getAttribute('aria-label');
  change();
  const item = find();
  if (!hadIt || !(item instanceof HTMLElement) || item.contains(document.activeElement)) return;
  const same = [...item.querySelectorAll('button')].find(
    (one) => !one.disabled && one.getAttribute('aria-label') === name,
  );
  (same ?? item).focus({ preventScroll: true });
}
