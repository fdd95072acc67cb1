export interface EscapeAttack {
  readonly name: string;
  /** A shell script that prints SUCCEEDED when it got out. */
  readonly script: string;
  /** Whether it works on the host, where nothing holds it: proof that the attack itself is sound. */
  readonly worksOutside: boolean;
}

export interface EscapeTargets {
  /** Addresses of the host, each with something that listens on `port` on all of them. */
  readonly hostAddresses: readonly string[];
  readonly port: number;
  readonly abstractSocket: string;
  /** Path of a file on the host that every user may read. */
  readonly hostFile: string;
}

const says = (condition: string) => `if ${condition}; then echo SUCCEEDED; fi`;
const perl = (program: string) => says(`perl -e '${program}' 2>/dev/null`);
/** socket(2) by number, so that no module is needed. */
const socket = (family: number, type: number, protocol = 0) =>
  perl(`exit(syscall(41, ${family}, ${type}, ${protocol}) >= 0 ? 0 : 1)`);
const connect = (address: string, port: number) =>
  perl(
    `use Socket; socket(S, PF_INET, SOCK_STREAM, 0) or exit 1; $SIG{ALRM} = sub { exit 1 }; alarm 2; exit(connect(S, sockaddr_in(${port}, inet_aton("${address}"))) ? 0 : 1)`,
  );
/** Counts only with an answer: the loopback of a container takes datagrams that nobody hears. */
const datagram = (address: string, port: number) =>
  perl(
    `use Socket; socket(S, PF_INET, SOCK_DGRAM, 0) or exit 1; send(S, "x", 0, sockaddr_in(${port}, inet_aton("${address}"))) or exit 1; $SIG{ALRM} = sub { exit 1 }; alarm 1; exit(recv(S, my $b, 9, 0) ? 0 : 1)`,
  );
const sendOnly = (address: string, port: number) =>
  perl(
    `use Socket; socket(S, PF_INET, SOCK_DGRAM, 0) or exit 1; exit(send(S, "x", 0, sockaddr_in(${port}, inet_aton("${address}"))) ? 0 : 1)`,
  );

/** Ways out of a container for a program that ignores the proxy variables. */
export function escapeAttacks(targets: EscapeTargets): readonly EscapeAttack[] {
  const { hostAddresses, port, abstractSocket, hostFile } = targets;
  return [
    ...hostAddresses.map((address) => ({
      name: `connects to the host at ${address}`,
      script: connect(address, port),
      worksOutside: true,
    })),
    ...hostAddresses.map((address) => ({
      name: `sends a datagram to ${address}`,
      script: datagram(address, port),
      worksOutside: true,
    })),
    {
      name: 'connects to the metadata address of a cloud',
      script: connect('169.254.169.254', 80),
      worksOutside: false,
    },
    { name: 'connects to the gateway of the usual bridge', script: connect('172.17.0.1', port), worksOutside: true },
    { name: 'sends a datagram into the world', script: sendOnly('192.0.2.1', 53), worksOutside: true },
    { name: 'asks the name server of Docker', script: datagram('127.0.0.11', 53), worksOutside: false },
    { name: 'resolves a name', script: says('getent hosts example.com >/dev/null 2>&1'), worksOutside: false },
    {
      name: 'connects by IPv6',
      script: perl(
        'use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6 PF_INET6); socket(S, PF_INET6, SOCK_DGRAM, 0) or exit 1; exit(send(S, "x", 0, pack_sockaddr_in6(53, inet_pton(PF_INET6, "2001:db8::1"))) ? 0 : 1)',
      ),
      worksOutside: false,
    },
    {
      name: 'connects to an abstract socket of the host',
      script: perl(
        `use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); exit(connect(S, pack("S", 1) . "\\0${abstractSocket}") ? 0 : 1)`,
      ),
      worksOutside: true,
    },
    {
      name: 'talks to the Docker daemon',
      script: says('test -S /var/run/docker.sock -o -S /run/docker.sock'),
      worksOutside: true,
    },
    { name: 'opens a raw socket', script: socket(2, 3, 1), worksOutside: true },
    { name: 'opens a packet socket', script: socket(17, 3, 768), worksOutside: true },
    {
      name: 'has an interface besides loopback',
      script: says('grep -vE "lo:|\\|" /proc/net/dev | grep -q .'),
      worksOutside: true,
    },
    { name: 'has a route', script: says('tail -n +2 /proc/net/route | grep -q .'), worksOutside: true },
    {
      name: 'makes an interface',
      script: says('ip link add x type dummy 2>/dev/null || unshare -n true 2>/dev/null'),
      worksOutside: true,
    },
    {
      name: 'makes a user and a network namespace',
      script: says('unshare -Urn true 2>/dev/null'),
      worksOutside: false,
    },
    {
      name: 'enters the network of process 1 of the host',
      script: says(
        'nsenter -t 1 -n true 2>/dev/null && test "$(readlink /proc/1/ns/net)" != "$(readlink /proc/self/ns/net)"',
      ),
      worksOutside: false,
    },
    {
      name: 'mounts a file system',
      script: says('mount -t tmpfs x /tmp 2>/dev/null && umount /tmp'),
      worksOutside: true,
    },
    { name: 'reads a file of the host', script: says(`test -r ${hostFile}`), worksOutside: true },
    {
      name: 'makes a device and opens it',
      script: says('mknod /tmp/sda b 8 0 2>/dev/null && rm /tmp/sda'),
      worksOutside: true,
    },
    {
      name: 'replaces the socket of the door',
      script: says(
        'test -d /run/genie && (rm -f /run/genie/egress.sock || touch /run/genie/x) 2>/dev/null && test ! -S /run/genie/egress.sock',
      ),
      worksOutside: false,
    },
    {
      name: 'writes to the kernel settings',
      script: says('(echo 1 > /proc/sys/net/ipv4/ip_forward) 2>/dev/null'),
      worksOutside: true,
    },
    {
      name: 'gets root by a set-user-id program',
      script: says(
        'for f in su mount passwd newgrp; do p=$(command -v $f) || continue; perl -e "exit(system(q($p), q(--help)) >= 0 && $> == 0 ? 0 : 1)" >/dev/null 2>&1 && echo root; done | grep -q root',
      ),
      worksOutside: true,
    },
  ];
}
