/** Numbers of system calls on x86-64 and arm64 (Linux `unistd_64.h` and `asm-generic/unistd.h`). */
type Numbers = readonly [x64: number | undefined, arm64: number | undefined];

/** Calls that a command in a sandbox has no use for and that reach deep into the kernel. */
export const refusedCalls: Readonly<Record<string, Numbers>> = {
  // Other namespaces and mounts: would undo the sandbox or open parts of the kernel that need no privilege inside one.
  unshare: [272, 97],
  setns: [308, 268],
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  move_mount: [429, 429],
  open_tree: [428, 428],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  open_by_handle_at: [304, 265],
  // Programs, memory and keys inside the kernel.
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  keyctl: [250, 219],
  add_key: [248, 217],
  request_key: [249, 218],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  create_module: [174, undefined],
  get_kernel_syms: [177, undefined],
  query_module: [178, undefined],
  memfd_secret: [447, 447],
  // Other processes.
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  process_madvise: [440, 440],
  kcmp: [312, 272],
  pidfd_getfd: [438, 438],
  // The machine itself.
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  acct: [163, 89],
  swapon: [167, 224],
  swapoff: [168, 225],
  reboot: [169, 142],
  syslog: [103, 116],
  vhangup: [153, 58],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  adjtimex: [159, 171],
  clock_adjtime: [305, 266],
  fanotify_init: [300, 262],
  lookup_dcookie: [212, 18],
  nfsservctl: [180, 42],
  iopl: [172, undefined],
  ioperm: [173, undefined],
  modify_ldt: [154, undefined],
  uselib: [134, undefined],
  ustat: [136, undefined],
  sysfs: [139, undefined],
  _sysctl: [156, undefined],
};

/** Calls that programs try and do without: they get "not implemented". io_uring would open sockets past every filter. */
export const missingCalls: Readonly<Record<string, Numbers>> = {
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  // Its flags lie in memory, where a filter cannot look; the C library falls back to clone.
  clone3: [435, 435],
};

/** Calls whose arguments decide. */
export const checkedCalls = {
  clone: [56, 220],
  socket: [41, 198],
  socketpair: [53, 199],
  personality: [135, 92],
  ioctl: [16, 29],
} as const satisfies Readonly<Record<string, Numbers>>;

/** The first number that was not given out when these lists were made. Later calls are unknown, so they are missing. */
export const firstUnknownCall = 463;
