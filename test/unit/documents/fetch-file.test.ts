/** Addresses that are refused by what they say, in every form that is known of them. */
import { expect, it, vi } from 'vitest';
import { fetchFile, type OpenUrl } from '../../../src/documents/fetch-file.ts';

async function asked(address: string): Promise<string[]> {
  const hosts: string[] = [];
  const open: OpenUrl = ({ host }) => {
    hosts.push(host);
    return Promise.reject(new Error('nothing is asked here'));
  };
  await expect(fetchFile(address, { open, trusted: [] })).rejects.toMatchObject({
    code: 'invalid_request',
  });
  return hosts;
}

it.each([
  // Every form in which browsers and tools write an address of IPv4.
  ...['http://127.0.0.1/', 'http://127.1/', 'http://127.0.1/', 'http://2130706433/'],
  ...['http://0x7f.0.0.1/', 'http://0x7f000001/', 'http://0177.0.0.1/', 'http://017700000001/'],
  ...['http://0x7F.1/', 'http://00000177.0.0.1/', 'http://0x0000007f.0.0.1/', 'http://127.0x1/'],
  ...['http://127.0.0.1./', 'http://0/', 'http://0.0.0.0/', 'http://0x/', 'http://0.0/'],
  ...['http://10.1.2.3/', 'http://172.16.0.1/', 'http://192.168.1.1/', 'http://3232235777/'],
  ...['http://192.168.257/', 'http://0300.0250.1.1/', 'http://127.127.127.127/'],
  ...['http://100.64.0.1/', 'http://198.18.0.1/', 'http://224.0.0.1/', 'http://255.255.255.255/'],
  // Forms that some parsers take for an address, and others do not.
  ...['http://o177.0.0.1/', 'http://0o177.0.0.1/', 'http://425.510.425.510/', 'http://7147006462/'],
  ...['http://127.0.0.1.0/', 'http://1.2.3.4.5/', 'http://256.0.0.1/', 'http://127.0.0.09/'],
  // Digits, dots and letters in another writing, encoded, or with what cannot be seen.
  ...['http://①②⑦.⓪.⓪.①/', 'http://１２７.０.０.１/', 'http://127。0。0。1/', 'http://127｡0．0.1/'],
  ...['http://𝟏𝟐𝟕.𝟎.𝟎.𝟏/', 'http://127%2E0%2E0%2E1/', 'http://%31%32%37.0.0.1/'],
  ...[
    'http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/',
    'http://loc\u00ADalhost/',
    'http://local\u200Bhost/',
    'http://localhost%2e/',
  ],
  ...['http://127.0.0.1%00.example.com/', 'http://example.com%00.127.0.0.1/', 'http://１２７.1/'],
  // Metadata of clouds.
  ...['http://169.254.169.254/latest/meta-data/', 'http://169.254.169.254./', 'http://2852039166/'],
  ...['http://0xA9FEA9FE/', 'http://0251.0376.0251.0376/', 'http://169.254.43518/'],
  ...['http://0xA9.0xFE.0xA9.0xFE/', 'http://[::ffff:a9fe:a9fe]/', 'http://[fd00:ec2::254]/'],
  ...['http://[fd20:ce::254]/', 'http://169.254.170.2/', 'http://192.0.0.192/', 'http://metadata/'],
  ...['http://100.100.100.200/', 'http://168.63.129.16/', 'http://metadata.google.internal/'],
  ...['http://metadata.google.internal./', 'http://METADATA.GOOGLE.INTERNAL/'],
  // IPv6, and IPv4 inside of it.
  ...['http://[::1]/', 'http://[::]/', 'http://[::ffff:127.0.0.1]/', 'http://[::ffff:7f00:1]/'],
  ...['http://[0:0:0:0:0:0:0:1]/', 'http://[0:0:0:0:0:ffff:127.0.0.1]/', 'http://[::127.0.0.1]/'],
  ...['http://[::ffff:0:127.0.0.1]/', 'http://[64:ff9b::7f00:1]/', 'http://[64:ff9b:1::a00:1]/'],
  ...['http://[2002:7f00:1::]/', 'http://[2001:0:7f00:1::]/', 'http://[2001:db8::1]/'],
  ...['http://[fe80::1]/', 'http://[fc00::1]/', 'http://[fec0::1]/', 'http://[ff02::1]/'],
  ...['http://[fe80::1%25eth0]/', 'http://[fe80::1%eth0]/', 'http://[::1%25lo]/'],
  ...['http://[::1/', 'http://0000::1:80/', 'http://[::ffff:0x7f.1]/', 'http://[100::1]/'],
  // Names of this machine and its network.
  ...['http://localhost/', 'http://LOCALHOST/', 'http://localhost./', 'http://a.localhost/'],
  ...['http://intranet/', 'http://printer.local/', 'http://printer.local./', 'http://db.internal/'],
  ...['http://router.lan/', 'http://host.docker.internal/', 'http://x.svc.cluster.local/'],
  ...['http://1.0.0.127.in-addr.arpa/', 'http://nas.home.arpa/', 'http://nothing.invalid/'],
  // Other schemes, ports and credentials.
  ...[
    'file:///etc/passwd',
    'file://\\/\\/etc/passwd',
    'ftp://example.com/a',
    'sftp://example.com/',
  ],
  ...['gopher://example.com/', 'dict://example.com/', 'ldap://example.com/', 'tftp://example.com/'],
  ...['netdoc:///etc/passwd', 'jar:http://127.0.0.1!/', '0://example.com:80/', 'ws://example.com/'],
  ...['data:text/plain,hi', 'javascript:alert(1)', 'blob:http://example.com/x', '//example.com/a'],
  ...['http://example.com:22/', 'http://example.com:6379/', 'https://example.com:8443/'],
  ...['http://example.com:0/', 'http://example.com:65536/', 'localhost:+11211aaa'],
  ...['http://user@example.com/', 'http://user:pass@example.com/', 'http://', 'example.com', ''],
  // What two parsers may read in two ways.
  ...['http://127.1.1.1:80\\@example.com:80/', 'http://127.1.1.1:80\\@@example.com:80/'],
  ...['http://127.1.1.1:80#\\@example.com/', 'http://1.1.1.1 &@2.2.2.2# @3.3.3.3/'],
  ...['http://127.0.0.1\t/', 'http://127.0.0.1\n.example.com:22/', 'http:127.0.0.1', 'http:/127.1'],
  `http://example.com/${'x'.repeat(2_000)}`,
])('no name is looked up for, and nothing is asked: %j', async (address) => {
  expect(await asked(address)).toEqual([]);
});

it.each([
  ['http://example.com/a.png', 'example.com'],
  ['HTTPS://EXAMPLE.com:443/a.png', 'example.com'],
  ['https://1.1.1.1/', '1.1.1.1'],
  ['https://[2606:4700:4700::1111]/', '[2606:4700:4700::1111]'],
  // A backslash ends the host, as a slash does.
  ['http://example.com\\@127.0.0.1:22/', 'example.com'],
  ['http://bücher.example/', 'xn--bcher-kva.example'],
])('a public address is asked: %s', async (address, host) => {
  expect(await asked(address)).toEqual([host]);
});

it('an answer that takes too long is told as that', async () => {
  const late = new AbortController();
  const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(late.signal);
  const open: OpenUrl = (_, { signal }) => {
    const { promise, reject } = Promise.withResolvers<never>();
    signal.addEventListener('abort', () => reject(new Error('aborted')));
    late.abort();
    return promise;
  };
  const fetching = fetchFile('http://example.com/', { open, trusted: [] });
  await expect(fetching).rejects.toMatchObject({
    detail: expect.stringContaining('too long') as unknown,
  });
  expect(timeout).toHaveBeenCalledWith(20_000);
  timeout.mockRestore();
});
