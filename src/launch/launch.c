/* Between fork and exec of every service: puts right what Node leaves wrong for a child. docs/design/launch.md */
#include "execute.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MARK_ONLY 4       /* CLOSE_RANGE_CLOEXEC of linux/close_range.h, which is not everywhere */
#define HIGHEST_HELD 8448 /* before Linux 5.11: Node marks its own descriptors, but not all of those it got from init */
#define USAGE_ERROR 100
#define FAILED 111

#define RECORD_BYTES 32 /* PID STAGE ERRNO, and NULs */

static int record_fd = -1;
static off_t record_at;

static _Noreturn void usage(const char *problem, const char *argument) {
  dprintf(2, "launch: %s%s\nusage: launch [-r FD:OFFSET:PARENT] [-s | -f] [-d DIR] [-E FD] [-k FD]... [-n SOFT:HARD] [-p] -- PROGRAM [ARGUMENT...]\n",
          problem, argument);
  _exit(USAGE_ERROR);
}

/* In one write: whoever reads it sees all or nothing of it. */
static bool record(const char *stage, int error) {
  char text[RECORD_BYTES] = "";
  if (stage == NULL) snprintf(text, sizeof text, "%d", getpid());
  else snprintf(text, sizeof text, "%d %s %d", getpid(), stage, error);
  return pwrite(record_fd, text, sizeof text, record_at) == sizeof text;
}

static _Noreturn void fail(const char *stage, const char *what, int error, int code) {
  if (record_fd < 0 || !record(stage, error)) dprintf(2, "launch: %s: %s: %s\n", stage, what, strerror(error));
  _exit(code);
}

static void must(bool works, const char *stage, const char *what) {
  if (!works) fail(stage, what, errno, FAILED);
}

static void reset_signals(void) {
  sigset_t none;
  sigemptyset(&none);
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_descriptors_at_exec(void) {
  if (syscall(SYS_close_range, 3, ~0U, MARK_ONLY) == 0) return;
  for (int fd = 3; fd < HIGHEST_HELD; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static int descriptor(const char *text) {
  int fd;
  char rest;
  if (sscanf(text, "%d%c", &fd, &rest) != 1 || fd < 0) usage("not a descriptor: ", text);
  return fd;
}

/* Whoever started us and died before it could say so has left the next one our pid; one that died even before that, nothing. */
static void open_record(const char *text) {
  long long offset;
  int parent;
  char rest;
  if (sscanf(text, "%d:%lld:%d%c", &record_fd, &offset, &parent, &rest) != 3 || record_fd < 0 || offset < 0)
    usage("not FD:OFFSET:PARENT: ", text);
  record_at = (off_t)offset;
  must(record(NULL, 0), "descriptors", "-r");
  if (getppid() != parent) fail("parent", "gone", ESRCH, FAILED);
}

/* Whoever is in the background is stopped when it takes the terminal, unless SIGTTOU is ignored. */
static void take_foreground(void) {
  setpgid(0, 0);
  signal(SIGTTOU, SIG_IGN);
  must(!isatty(0) || tcsetpgrp(0, getpid()) == 0 || errno == ENOTTY, "setsid", "terminal");
  signal(SIGTTOU, SIG_DFL);
}

static void read_environment(int fd) {
  struct stat status;
  must(fstat(fd, &status) == 0, "environment", "descriptor");
  size_t size = (size_t)status.st_size, count = 0;
  char *bytes = calloc(size + 1, 1), *last = bytes + size;
  must(bytes != NULL, "environment", "memory");
  must(pread(fd, bytes, size, 0) == status.st_size, "environment", "descriptor");
  for (char *at = bytes; at < last; at += strlen(at) + 1) count++;
  environ = calloc(count + 1, sizeof *environ);
  must(environ != NULL, "environment", "memory");
  for (char **variable = environ; bytes < last; bytes += strlen(bytes) + 1) *variable++ = bytes;
}

static void limit_open_files(const char *text) {
  long long soft, hard;
  char rest;
  if (sscanf(text, "%lld:%lld%c", &soft, &hard, &rest) != 2 || soft < -1 || hard < -1) usage("not SOFT:HARD: ", text);
  struct rlimit limit = {(rlim_t)soft, (rlim_t)hard}; /* RLIM_INFINITY is -1 */
  must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "limits", "RLIMIT_NOFILE");
}

/* The options are carried out as they come. */
int main(int argc, char **argv) {
  bool search = false;
  reset_signals();
  close_descriptors_at_exec();
  opterr = 0;
  for (int option; (option = getopt(argc, argv, "+r:sfd:E:k:n:p")) != -1;) {
    switch (option) {
      case 'r': open_record(optarg); break;
      case 's': must(setsid() >= 0 || getsid(0) == getpid(), "setsid", "session"); break;
      case 'f': take_foreground(); break;
      case 'd': must(chdir(optarg) == 0, "chdir", optarg); break;
      case 'E': read_environment(descriptor(optarg)); break;
      case 'k': must(fcntl(descriptor(optarg), F_SETFD, 0) == 0, "descriptors", "-k"); break;
      case 'n': limit_open_files(optarg); break;
      case 'p': search = true; break;
      default: usage("unknown option, or without its argument: ", argv[optind - 1]);
    }
  }
  if (argv[optind] == NULL) usage("no program", "");
  int code = execute(argv + optind, search);
  fail("exec", argv[optind], errno, search ? code : FAILED);
}
