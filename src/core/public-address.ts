/**
 * Tells public addresses of the internet from all others: of this machine, of private networks, of
 * the services that clouds give their machines, and those that stand for one of them in another
 * form (IANA's registries of special-purpose addresses).
 */

/** Blocks of IPv4 that are not public, as an address and the length of its prefix. */
const SPECIAL_IPV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // With 169.254.169.254, where clouds keep the credentials of their machines.
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  // A service of a cloud for its machines, on an address that looks public.
  ['168.63.129.16', 32],
  // Multicast, reserved, and broadcast.
  ['224.0.0.0', 3],
];

/** Blocks within 2000::/3, outside of which nothing is public, that are not public either. */
const SPECIAL_IPV6: readonly (readonly [string, number])[] = [
  // Protocols, with Teredo, which carries an address of IPv4.
  ['2001::', 23],
  ['2001:db8::', 32],
  // 6to4, which carries an address of IPv4.
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
];

const SPECIAL_4 = SPECIAL_IPV4.map(blockOf(ipv4Bits));
const SPECIAL_6 = SPECIAL_IPV6.map(blockOf(ipv6Bits));
const GLOBAL_UNICAST = blockOf(ipv6Bits)(['2000::', 3]);

/** Returns true for a public address, in the form in which resolvers and `URL` write it. */
export function isPublicAddress(address: string): boolean {
  const four = ipv4Bits(address);
  if (four !== undefined) return !SPECIAL_4.some((block) => block(four));
  // Whoever names an interface means a network of this machine.
  const six = address.includes('%') ? undefined : ipv6Bits(address.replace(/^\[|\]$/g, ''));
  return six !== undefined && GLOBAL_UNICAST(six) && !SPECIAL_6.some((block) => block(six));
}

type Block = (address: bigint) => boolean;

function blockOf(
  parse: (address: string) => bigint | undefined,
): (block: readonly [string, number]) => Block {
  const width = parse === ipv4Bits ? 32 : 128;
  return ([first, length]) => {
    const shift = BigInt(width - length);
    const prefix = (parse(first) ?? 0n) >> shift;
    return (address) => address >> shift === prefix;
  };
}

function ipv4Bits(address: string): bigint | undefined {
  const parts = address.split('.');
  // A leading zero means octal to some, and decimal to others.
  const isPart = (part: string) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256;
  if (parts.length !== 4 || !parts.every(isPart)) return undefined;
  return parts.reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

function ipv6Bits(address: string): bigint | undefined {
  const [head = '', tail, ...more] = address.split('::');
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  if (more.length > 0 || !before || !after) return undefined;
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...before, ...Array.from({ length: missing }, () => 0), ...after];
  return groups.reduce((bits, group) => (bits << 16n) | BigInt(group), 0n);
}

/** Returns the groups of one side of an address; the last two may be written as IPv4. */
function groupsOf(side: string): number[] | undefined {
  if (side === '') return [];
  const groups: number[] = [];
  for (const group of side.split(':')) {
    const four = ipv4Bits(group);
    if (four !== undefined) groups.push(Number(four >> 16n), Number(four & 0xffffn));
    else if (/^[0-9a-f]{1,4}$/i.test(group)) groups.push(Number.parseInt(group, 16));
    else return undefined;
  }
  return groups;
}
