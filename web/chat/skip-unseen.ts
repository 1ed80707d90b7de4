/**
 * Lets the browser skip the messages that cannot be seen: a long conversation then costs what its
 * visible part does. Each keeps the size that it has, so that nothing jumps when it is seen again.
 */

/** Marks the stored messages of a list, once they have been laid out. */
export function skipUnseen(list: HTMLElement): void {
  setTimeout(() => {
    const items = [...list.querySelectorAll<HTMLElement>(':scope > [data-id]:not(.settled)')];
    const sizes = items.map(contentHeight);
    for (const [at, item] of items.entries()) {
      item.style.containIntrinsicBlockSize = `auto ${sizes[at]}px`;
      item.classList.add('settled');
    }
  });
}

/** Returns the height within the padding, in pixels: the intrinsic size of an element is that. */
function contentHeight(item: HTMLElement): number {
  const { paddingBottom } = getComputedStyle(item);
  return item.getBoundingClientRect().height - Number.parseFloat(paddingBottom);
}
