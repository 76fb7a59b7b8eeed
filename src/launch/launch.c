/*
 * Between fork and exec of every service: puts right what Node leaves wrong for a child.
 * docs/design/launch.md
 */
#include "execute.h"
#include "user.h"

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

#define MAX_ADDED 64 /* groups */
#define RECORD_BYTES 32 /* PID STAGE ERRNO, and NULs */

static int record_fd = -1;
static off_t record_at;

static _Noreturn void usage(const char *problem, const char *argument) {
  dprintf(2, "launch: %s%s\nusage: launch [-r FD:OFFSET:PARENT] [-s | -f] [-d DIR] [-E FD] [-k FD[:AT]]... [-c FILE] [-l RESOURCE:SOFT:HARD]... [-n NICE]\n"
             "  [-o OOM_SCORE_ADJ] [-m UMASK] [-u USER[:GROUP]] [-g GROUP]... [-p] -- PROGRAM [ARGUMENT...]\n", problem, argument);
  _exit(USAGE_ERROR);
}

/* In one write: a reader sees all or nothing. */
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

static int number(const char *text, int lowest, int highest, int base) {
  char *end;
  long value = strtol(text, &end, base);
  if (end == text || *end != '\0' || value < lowest || value > highest) usage("not a number, or out of range: ", text);
  return (int)value;
}

/*
 * The descriptor stays open in the program, at its number or at another one, which may be the
 * number of the record's descriptor.
 */
static void keep_descriptor(char *text) {
  char *colon = strchr(text, ':');
  if (colon != NULL) *colon++ = '\0';
  int fd = number(text, 0, INT_MAX, 10), at = colon != NULL ? number(colon, 0, INT_MAX, 10) : fd;
  if (at == record_fd) record_fd = fcntl(record_fd, F_DUPFD_CLOEXEC, at + 1);
  must(at != fd ? dup2(fd, at) >= 0 : fcntl(fd, F_SETFD, 0) == 0, "descriptors", "-k");
}

/*
 * Puts our pid on record for the next controller, in case ours died before it could. If ours is
 * dead already, no program is started.
 */
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

/* A background process that takes the terminal is stopped, unless it ignores SIGTTOU. */
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

/* The name of a stage with several parts, and the number of the part. */
static const char *nth(const char *stage, int which) {
  static char text[24];
  snprintf(text, sizeof text, "%s.%d", stage, which);
  return text;
}

static void limit(const char *text) {
  int resource;
  long long soft, hard;
  char rest;
  if (sscanf(text, "%d:%lld:%lld%c", &resource, &soft, &hard, &rest) != 3 || soft < -1 || hard < -1)
    usage("not RESOURCE:SOFT:HARD: ", text);
  struct rlimit limit = {(rlim_t)soft, (rlim_t)hard}; /* RLIM_INFINITY is -1 */
  must(setrlimit(resource, &limit) == 0, nth("ulimits", resource), text);
}

static void adjust_oom_score(const char *text) {
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  must(fd >= 0 && write(fd, text, strlen(text)) > 0 && close(fd) == 0, "oom_score_adj", text);
}

/* A process that stays where it is does no harm: its memory is read from /proc. */
static void enter_group(const char *processes) {
  int fd = open(processes, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  if (write(fd, "0", 1) < 0) errno = 0;
  close(fd);
}

/* USER[:GROUP], NULL for the user that this process has already; and further groups. */
static void take_identity(char *text, char *added[], int count) {
  static struct groups groups;
  struct user user = {.uid = geteuid(), .gid = getegid()};
  char *group = text != NULL ? strchr(text, ':') : NULL;
  if (group != NULL) *group++ = '\0';
  must(text == NULL || find_user(text, &user), "user", text);
  must(group == NULL || find_group(group, &user.gid), "group", group);
  if (text == NULL) groups.count = (size_t)getgroups(MAX_GROUPS, groups.ids);
  else find_groups(&user, &groups);
  if (group != NULL) groups.count = 1; /* a named group is the only one */
  for (int i = 0; i < count && groups.count < MAX_GROUPS; i++)
    must(find_group(added[i], &groups.ids[groups.count++]), nth("group_add", i), added[i]);
  must((count == 0 && is_user(&user)) || become_user(&user, &groups), text != NULL ? "user" : "group_add", text);
  if (text == NULL) return;
  const char *variables[][2] = {{"HOME", user.home}, {"USER", user.name}, {"LOGNAME", user.name}, {"SHELL", user.shell}};
  for (int i = 0; i < 4; i++) must(setenv(variables[i][0], variables[i][1], 0) == 0, "environment", "memory");
}

/*
 * Options take effect in their order, except the user: that comes last, because it takes rights
 * away.
 */
int main(int argc, char **argv) {
  bool search = false;
  char *user = NULL, *added[MAX_ADDED];
  int added_count = 0;
  reset_signals();
  close_descriptors_at_exec();
  opterr = 0;
  for (int option; (option = getopt(argc, argv, "+r:sfd:E:k:c:l:n:o:m:u:g:p")) != -1;) {
    switch (option) {
      case 'r': open_record(optarg); break;
      case 's': must(setsid() >= 0 || getsid(0) == getpid(), "setsid", "session"); break;
      case 'f': take_foreground(); break;
      case 'd': must(chdir(optarg) == 0, "chdir", optarg); break;
      case 'E': read_environment(number(optarg, 0, INT_MAX, 10)); break;
      case 'k': keep_descriptor(optarg); break;
      case 'c': enter_group(optarg); break;
      case 'l': limit(optarg); break;
      case 'n': must(setpriority(PRIO_PROCESS, 0, number(optarg, -20, 19, 10)) == 0, "nice", optarg); break;
      case 'o': adjust_oom_score(optarg); break;
      case 'm': umask((mode_t)number(optarg, 0, 0777, 8)); break;
      case 'u': user = optarg; break;
      case 'g':
        if (added_count == MAX_ADDED) usage("too many -g, ", optarg);
        added[added_count++] = optarg;
        break;
      case 'p': search = true; break;
      default: usage("unknown option, or without its argument: ", argv[optind - 1]);
    }
  }
  if (argv[optind] == NULL) usage("no program", "");
  if (user != NULL || added_count > 0) take_identity(user, added, added_count);
  int code = execute(argv + optind, search);
  fail("exec", argv[optind], errno, search ? code : FAILED);
}
