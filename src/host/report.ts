/** Where reports go: the process's error output. */
export function report(what: string, error: unknown): void {
  console.error(`parley: ${what}:`, error);
}
