/** How `sqld` is started for development, for the tests and for the benchmark. */

/**
 * Seconds between checkpoints. Without this option sqld writes its log back after every thousandth page, in the middle of the load; if the machine stands still for five seconds
 * during one, sqld may hand its only place for a writer to a connection that is gone, and then answers no write any more until it is restarted (0.24: thirty writers and pauses of 5.5 s
 * did it within a minute; with this option they never did).
 */
const CHECKPOINT_INTERVAL_S = 3_600;

/**
 * The arguments of a `sqld` for one database.
 * @param directory where its data are, or are to be
 * @param address host and port to listen on
 */
export function sqldArguments(directory: string, address: string): string[] {
  return [
    '--no-welcome',
    '--db-path',
    directory,
    '--http-listen-addr',
    address,
    '--checkpoint-interval-s',
    String(CHECKPOINT_INTERVAL_S),
  ];
}
