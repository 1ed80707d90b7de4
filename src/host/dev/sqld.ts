/** Gives the arguments of `sqld`, for development, the tests and the benchmark. */

/**
 * The time between checkpoints, in seconds. Without this option sqld writes its log back after
 * every thousandth page, under load too. If the machine stands still for five seconds during that,
 * sqld may give its only writer's slot to a connection that no longer exists, and then answer no
 * write until it is restarted (version 0.24: thirty writers and pauses of 5.5 s caused it within a
 * minute; with this option they never did).
 */
const CHECKPOINT_INTERVAL_S = 3_600;

/**
 * The namespaces that are open at once: beyond them sqld closes one for another, and meanwhile
 * answers that it has no such namespace.
 */
const MOST_ACTIVE = 1_000;

/**
 * Returns the arguments of a `sqld`.
 * @param directory the directory of its data, which may not exist yet
 * @param address the host and port to listen on
 * @param adminAddress where namespaces are made; undefined for a server of one database
 */
export function sqldArguments(directory: string, address: string, adminAddress?: string): string[] {
  const namespaces = [
    ...['--enable-namespaces', '--disable-default-namespace'],
    ...['--max-active-namespaces', String(MOST_ACTIVE), '--admin-listen-addr'],
  ];
  return [
    '--no-welcome',
    '--db-path',
    directory,
    '--http-listen-addr',
    address,
    '--checkpoint-interval-s',
    String(CHECKPOINT_INTERVAL_S),
    ...(adminAddress === undefined ? [] : [...namespaces, adminAddress]),
  ];
}
