/** Waits. @param length milliseconds */
export function pause(length: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, length));
}
