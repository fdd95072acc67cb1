/** What an attack is run against. */
export interface AttackWorld {
  /** Folder on the host outside of the workspace, readable for everybody, with a file `secret`. */
  readonly outside: string;
  /** Path of the workspace on the host. */
  readonly workspace: string;
  /** A TCP port that listens on the host's loopback address. */
  readonly port: number;
  /** Name of an abstract unix socket that listens on the host. */
  readonly abstractSocket: string;
  /** Process on the host, of the same user as the command. */
  readonly victim: number;
}

export interface Attack {
  readonly name: string;
  /** A shell script that prints SUCCEEDED when it got through. */
  readonly script: (world: AttackWorld) => string;
  /** Whether the same script gets through without a sandbox, which shows that its test can fail. Default true; it may depend on the kernel. */
  readonly worksBare?: boolean | 'depends';
}

const says = (condition: string) => `if ${condition}; then echo SUCCEEDED; fi`;
const reads = (path: string) => says(`cat ${path} 2>/dev/null | grep -q .`);
/** A system call made directly, by numbers of x86-64. */
const calls = (number: number, ...values: readonly (number | string)[]) =>
  says(`perl -e 'exit(syscall(${[number, ...values].join(', ')}) >= 0 ? 0 : 1)' 2>/dev/null`);

export const fileAttacks: readonly Attack[] = [
  { name: 'reads a file outside by its absolute path', script: ({ outside }) => reads(`${outside}/secret`) },
  {
    name: 'reads a file outside by climbing with ..',
    script: ({ outside }) => reads(`../../../../../../..${outside}/secret`),
  },
  {
    name: 'reads a file outside through a link in the workspace',
    script: ({ outside }) => `ln -sf ${outside}/secret link; ${reads('link')}`,
  },
  {
    name: 'reads a file outside through a linked folder',
    script: ({ outside }) => `ln -sfn ${outside} folder; ${reads('folder/secret')}`,
  },
  {
    name: 'makes a hard link to a file outside',
    script: ({ outside }) => `ln -f ${outside}/mine hard 2>/dev/null; ${reads('hard')}`,
  },
  {
    name: 'reads through the root of process 1',
    script: ({ outside }) => reads(`/proc/1/root${outside}/secret`),
    worksBare: false,
  },
  { name: 'reads through its own root', script: ({ outside }) => reads(`/proc/self/root${outside}/secret`) },
  {
    name: 'reads beside the current folder',
    script: ({ outside }) => reads(`/proc/self/cwd/../${outside.split('/').pop()}/secret`),
  },
  {
    name: 'writes a file outside',
    script: ({ outside }) => `echo x > ${outside}/open/planted 2>/dev/null; ${says(`[ -e ${outside}/open/planted ]`)}`,
  },
  { name: 'deletes a file outside', script: ({ outside }) => says(`rm ${outside}/open/victim 2>/dev/null`) },
  {
    name: 'lists the folder for temporary files of the host',
    script: ({ outside }) => says(`ls $(dirname ${outside}) | grep -q "^${outside.split('/').pop()}$"`),
  },
  { name: 'reads the password file of the host', script: () => says('grep -q "^daemon:" /etc/passwd') },
  { name: 'reads the shadow file', script: () => reads('/etc/shadow'), worksBare: false },
  { name: 'reads the home of root', script: () => says('ls -A /root 2>/dev/null | grep -q .'), worksBare: false },
  { name: 'lists homes', script: () => says('[ -d /home ]') },
  { name: 'finds the socket of a container runtime', script: () => says('[ -e /run ] || [ -e /var/run ]') },
  { name: 'looks into /sys', script: () => says('[ -d /sys/kernel ]') },
  { name: 'sees the logs of the host', script: () => says('[ -d /var/log ]') },
  {
    name: 'writes to the programs of the host',
    script: () => says('touch /usr/bin/genie-attack 2>/dev/null'),
    worksBare: false,
  },
  {
    name: 'writes to the settings',
    script: () => says('echo "evil:x:0:0::/:" >> /etc/passwd 2>/dev/null'),
    worksBare: false,
  },
  { name: 'writes to the root folder', script: () => says('touch /genie-attack 2>/dev/null'), worksBare: false },
  {
    name: 'makes programs writable by mounting again',
    script: () => says('mount -o remount,rw /usr 2>/dev/null'),
    worksBare: false,
  },
  { name: 'mounts over the programs', script: () => says('mount -t tmpfs tmpfs /usr 2>/dev/null'), worksBare: false },
  { name: 'unmounts the workspace', script: () => says('umount /workspace 2>/dev/null'), worksBare: false },
  { name: 'makes a node for the disk', script: () => says('mknod disk b 254 0 2>/dev/null'), worksBare: false },
  { name: 'changes its root', script: () => says('chroot . /bin/true 2>/dev/null'), worksBare: false },
  {
    name: 'sets the handler of core dumps',
    script: () => says('echo "|/tmp/x" > /proc/sys/kernel/core_pattern 2>/dev/null'),
    worksBare: false,
  },
  { name: 'presses the magic key', script: () => says('echo h > /proc/sysrq-trigger 2>/dev/null'), worksBare: false },
  {
    name: 'reads kernel memory',
    script: () => says('head -c 1 /proc/kcore 2>/dev/null | grep -q .'),
    worksBare: false,
  },
  {
    name: 'fills memory through /dev',
    script: () => says('dd if=/dev/zero of=/dev/flood bs=1M count=1 2>/dev/null'),
    worksBare: false,
  },
  {
    name: 'fills memory through /dev/shm',
    script: () => `${says('dd if=/dev/zero of=/dev/shm/flood bs=1M count=100 2>/dev/null')}; rm -f /dev/shm/flood`,
  },
  {
    name: 'fills memory through /tmp',
    script: () =>
      `${says('dd if=/dev/zero of=/tmp/flood bs=1M count=100 2>/dev/null; [ $(stat -c %s /tmp/flood) -gt 70000000 ]')}; rm -f /tmp/flood`,
    worksBare: false,
  },
];

export const processAttacks: readonly Attack[] = [
  { name: 'reads a secret from its environment', script: () => says('[ -n "$GENIE_ATTACK_SECRET" ]') },
  {
    name: 'reads the environment of process 1',
    script: () => says('tr "\\0" "\\n" < /proc/1/environ 2>/dev/null | grep -q .'),
    worksBare: false,
  },
  {
    name: 'reads the environment of any process',
    script: () => says('cat /proc/[0-9]*/environ 2>/dev/null | grep -aq GENIE_ATTACK_SECRET'),
  },
  { name: 'sees processes of the host', script: ({ victim }) => says(`[ -d /proc/${victim} ]`) },
  { name: 'kills a process of the host', script: ({ victim }) => says(`kill -0 ${victim} 2>/dev/null`) },
  {
    name: 'finds the command of a process of the host',
    script: () => says('cat /proc/[0-9]*/cmdline | tr "\\0" " " | grep -q "sleep 98[7]"'),
  },
  {
    name: 'learns the path of its workspace on the host from a command line',
    script: ({ workspace }) =>
      says(`cat /proc/1/cmdline | tr "\\0" " " | grep -q "bind ${workspace.slice(0, -1)}[${workspace.slice(-1)}]"`),
    worksBare: false,
  },
  { name: 'reads memory of process 1', script: () => says('head -c 1 /proc/1/mem 2>/dev/null'), worksBare: false },
  {
    name: 'stops process 1',
    script: () => says('kill -STOP 1 2>/dev/null; kill -9 1 2>/dev/null; [ ! -d /proc/1 ]'),
    worksBare: false,
  },
  {
    name: 'protects itself from the out-of-memory killer',
    script: () => says('echo -1000 > /proc/self/oom_score_adj 2>/dev/null'),
    worksBare: false,
  },
  { name: 'raises its own limit of processes', script: () => says('ulimit -p 100000 2>/dev/null'), worksBare: false },
  {
    name: 'leaves a core dump',
    script: () => says('[ "$(ulimit -c)" != 0 ] && ulimit -c unlimited 2>/dev/null'),
    worksBare: false,
  },
  {
    name: 'becomes root by a set-user-id program',
    script: () => says('[ "$(su -c id 2>/dev/null | grep -c uid=0)" = 1 ]'),
    worksBare: false,
  },
  { name: 'has capabilities', script: () => says('grep -qE "^Cap(Prm|Eff|Bnd):.*[1-9a-f]" /proc/self/status') },
  { name: 'can gain privileges', script: () => says('grep -q "NoNewPrivs:.*0" /proc/self/status') },
  { name: 'is root', script: () => says('[ "$(id -u)" = 0 ]'), worksBare: false },
  { name: 'opens the terminal of the runtime', script: () => says('echo x > /dev/tty 2>/dev/null'), worksBare: false },
  {
    name: 'types into the terminal',
    script: () => says(`perl -e 'my $c = "x"; exit(ioctl(STDIN, 0x5412, $c) ? 0 : 1)' 2>/dev/null`),
    worksBare: false,
  },
];

const socket = (family: number, type: number, protocol = 0) => calls(41, family, type, protocol);

export const networkAttacks: readonly Attack[] = [
  {
    name: 'connects to a port of the host',
    script: ({ port }) =>
      says(
        `perl -MIO::Socket::INET -e 'exit(IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => ${port}, Timeout => 2) ? 0 : 1)' 2>/dev/null`,
      ),
  },
  {
    name: 'connects to an abstract socket of the host',
    script: ({ abstractSocket }) =>
      says(
        `perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); exit(connect(S, pack("S", AF_UNIX) . "\\0${abstractSocket}") ? 0 : 1)' 2>/dev/null`,
      ),
  },
  {
    name: 'reaches the metadata address of a cloud',
    script: () =>
      says(
        `perl -MIO::Socket::INET -e 'exit(IO::Socket::INET->new(PeerAddr => "169.254.169.254", PeerPort => 80, Timeout => 2) ? 0 : 1)' 2>/dev/null`,
      ),
    worksBare: false,
  },
  { name: 'asks a name server', script: () => says('getent hosts example.com >/dev/null 2>&1'), worksBare: false },
  {
    name: 'sends a datagram into the world',
    script: () =>
      says(
        `perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Proto => "udp", PeerAddr => "192.0.2.1", PeerPort => 9) or exit 1; exit($s->send("x") ? 0 : 1)' 2>/dev/null`,
      ),
  },
  {
    name: 'has a network interface besides loopback',
    script: () => says('grep -vE "lo:|\\|" /proc/net/dev | grep -q .'),
  },
  {
    name: 'opens a socket to the host of a virtual machine (AF_VSOCK)',
    script: () => socket(40, 1),
    worksBare: 'depends',
  },
  { name: 'opens a packet socket', script: () => socket(17, 3, 768), worksBare: false },
  { name: 'opens a raw socket', script: () => socket(2, 3, 1), worksBare: false },
  { name: 'opens a socket of the kernel crypto interface', script: () => socket(38, 5), worksBare: false },
  { name: 'opens a netfilter socket', script: () => socket(16, 3, 12), worksBare: 'depends' },
  { name: 'opens a kernel audit socket', script: () => socket(16, 3, 9), worksBare: 'depends' },
  { name: 'opens a bluetooth socket', script: () => socket(31, 3, 1), worksBare: false },
  {
    name: 'opens a pair of a strange family',
    script: () => says(`perl -e 'exit(syscall(53, 40, 1, 0, pack("ii", 0, 0)) >= 0 ? 0 : 1)'`),
    worksBare: false,
  },
];

export const kernelAttacks: readonly Attack[] = [
  { name: 'makes a user namespace', script: () => says('unshare -U true 2>/dev/null') },
  { name: 'makes a user and a network namespace', script: () => says('unshare -Urn true 2>/dev/null') },
  { name: 'makes a user and a mount namespace', script: () => says('unshare -Urm true 2>/dev/null') },
  {
    name: 'makes a user namespace by clone',
    script: () =>
      `perl -e 'my $p = syscall(56, 0x10000011, 0, 0, 0, 0); if ($p == 0) { exit 0 } print "SUCCEEDED" if $p > 0; wait'`,
  },
  {
    name: 'makes a user namespace by clone3',
    script: () =>
      `perl -e 'my $a = pack("Q8", 0x10000000, 0, 0, 0, 17, 0, 0, 0); my $p = syscall(435, $a, 64); if ($p == 0) { exit 0 } print "SUCCEEDED" if $p > 0; wait'`,
  },
  {
    name: 'enters the namespaces of process 1',
    script: () =>
      says(`perl -e 'open(F, "/proc/1/ns/net") or exit 1; exit(syscall(308, fileno(F), 0) >= 0 ? 0 : 1)' 2>/dev/null`),
    worksBare: false,
  },
  {
    name: 'sets up io_uring',
    script: () => says(`perl -e 'my $p = "\\0" x 120; exit(syscall(425, 4, $p) >= 0 ? 0 : 1)'`),
    worksBare: 'depends',
  },
  { name: 'loads a kernel program (bpf)', script: () => calls(321, 0, '"\\0" x 128', 128), worksBare: false },
  { name: 'opens a performance counter', script: () => calls(298, '"\\0" x 128', 0, -1, -1, 0), worksBare: false },
  { name: 'opens userfaultfd', script: () => calls(323, 1), worksBare: 'depends' },
  { name: 'joins a key ring', script: () => calls(250, 1, 0), worksBare: 'depends' },
  {
    name: 'adds a key',
    script: () => calls(248, '"user" . ""', '"genie" . ""', '"x" . ""', 1, -2),
    worksBare: 'depends',
  },
  { name: 'traces itself', script: () => calls(101, 0, 0, 0, 0) },
  {
    name: 'traces its parent',
    script: () => says(`perl -e 'exit(syscall(101, 16, getppid(), 0, 0) >= 0 ? 0 : 1)'`),
    worksBare: false,
  },
  {
    name: 'reads memory of its parent',
    script: () =>
      says(
        `perl -e 'my $b = "\\0" x 8; my $l = pack("PQ", $b, 8); exit(syscall(310, getppid(), $l, 1, $l, 0, 0) >= 0 ? 0 : 1)'`,
      ),
  },
  { name: 'opens a file system context', script: () => calls(430, '"tmpfs" . ""', 0), worksBare: false },
  { name: 'clones a mount tree', script: () => calls(428, -100, '"/" . ""', 1), worksBare: false },
  {
    name: 'opens a file by handle',
    script: () =>
      says(
        `perl -e 'my $h = pack("IIQ", 8, 1, 2); exit((syscall(304, -100, $h, 0) < 0 && $! == 1) || syscall(304, -100, $h, 0) >= 0 ? 1 : 1)'`,
      ),
    worksBare: false,
  },
  { name: 'turns off address randomisation', script: () => calls(135, 0x0040000), worksBare: 'depends' },
  {
    name: 'makes secret memory',
    script: () => says(`perl -e '$r = syscall(447, 0); exit($r >= 0 ? 0 : 1)'`),
    worksBare: false,
  },
  { name: 'changes its local descriptor table', script: () => calls(154, 0, '"\\0" x 16', 16), worksBare: 'depends' },
  { name: 'uses a call of the x32 interface', script: () => calls(0x40000000 + 39), worksBare: false },
  {
    name: 'uses a call newer than the filter',
    script: () =>
      says(
        `perl -e '$! = 0; my ($p, $x) = ("/", "x"); syscall(463, -100, $p, 0, $x, $x, 0); exit($!{ENOSYS} ? 1 : 0)'`,
      ),
    worksBare: 'depends',
  },
  {
    name: 'compares descriptors of processes',
    script: () => says(`perl -e 'exit(syscall(312, $$, $$, 1, 0, 0) >= 0 ? 0 : 1)'`),
    worksBare: 'depends',
  },
  { name: 'loads another kernel', script: () => calls(246, 0, 0, 0, 0), worksBare: false },
  { name: 'sets the clock', script: () => says('date -s "2001-01-01" >/dev/null 2>&1'), worksBare: false },
  { name: 'reads the kernel log', script: () => says('dmesg 2>/dev/null | grep -q .'), worksBare: false },
];
