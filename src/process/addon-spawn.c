/*
 * Processes without libuv. libuv forks the whole controller for each process: page tables are
 * copied, and then every page that either side writes to. SpawnFunctions of native.ts describes
 * each of them.
 */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_DESCRIPTORS 8
#define STACK_BYTES (64 * 1024)

struct start {
  char **command; /* NULL-terminated; the first is the file */
  int descriptors[MAX_DESCRIPTORS];
  uint32_t count;
  int error;
};

/* O_NONBLOCK belongs to the open file: somebody else may have set it. */
static bool make_blocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && (!(flags & O_NONBLOCK) || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0);
}

static bool place_descriptors(struct start *start) {
  int lowest = (int)start->count;
  for (uint32_t i = 0; i < start->count; i++) {
    int fd = start->descriptors[i] < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : start->descriptors[i];
    /* None is in the place of another one, and dup2 to itself would leave it close-on-exec. */
    start->descriptors[i] = fd >= 0 && fd < lowest ? fcntl(fd, F_DUPFD_CLOEXEC, lowest) : fd;
    if (start->descriptors[i] < 0) return false;
  }
  for (int i = 0; i < lowest; i++)
    if (dup2(start->descriptors[i], i) < 0 || (i <= STDERR_FILENO && !make_blocking(i))) return false;
  return true;
}

/*
 * The child, which shares the memory of the controller until it executes. The controller waits
 * meanwhile; no signal reaches the child before.
 */
static int become(void *argument) {
  static char *const nothing[] = {NULL};
  struct start *start = argument;
  if (place_descriptors(start)) execve(start->command[0], start->command, nothing);
  start->error = errno;
  _exit(127);
}

static pid_t start_process(struct start *start) {
  static char stack[STACK_BYTES] __attribute__((aligned(16)));
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = clone(become, stack + STACK_BYTES, CLONE_VM | CLONE_VFORK | SIGCHLD, start);
  if (pid < 0) start->error = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (pid > 0 && start->error != 0) waitpid(pid, NULL, 0);
  return pid;
}

/* The bytes of the string, which may contain no NUL; NULL: an exception is thrown. */
static char *text(napi_env env, napi_value value) {
  size_t length;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) == napi_ok) {
    char *bytes = malloc(length + 1);
    if (bytes != NULL && napi_get_value_string_utf8(env, value, bytes, length + 1, NULL) == napi_ok && strlen(bytes) == length)
      return bytes;
    free(bytes);
  }
  fail(env, "execve", EINVAL);
  return NULL;
}

static napi_value spawn(napi_env env, napi_callback_info info) {
  napi_value values[2], item, result = NULL;
  struct start start = {0};
  uint32_t words, taken = 0;
  if (!arguments(env, info, 2, values)) return NULL;
  if (napi_get_array_length(env, values[0], &words) != napi_ok || words == 0 ||
      napi_get_array_length(env, values[1], &start.count) != napi_ok || start.count > MAX_DESCRIPTORS)
    return fail(env, "clone", EINVAL);
  for (uint32_t i = 0; i < start.count; i++) {
    napi_get_element(env, values[1], i, &item);
    if (napi_get_value_int32(env, item, &start.descriptors[i]) != napi_ok) return fail(env, "clone", EBADF);
  }
  start.command = calloc(words + 1, sizeof *start.command);
  if (start.command == NULL) return fail(env, "calloc", ENOMEM);
  while (taken < words && napi_get_element(env, values[0], taken, &item) == napi_ok && (start.command[taken] = text(env, item)) != NULL)
    taken++;
  if (taken == words) {
    pid_t pid = start_process(&start);
    if (start.error != 0) fail(env, "clone", start.error);
    else napi_create_int32(env, pid, &result);
  }
  for (char **word = start.command; *word != NULL; word++) free(*word);
  free(start.command);
  return result;
}

static napi_value ended(napi_env env, napi_callback_info info) {
  napi_value values[1], result, number;
  int pid;
  siginfo_t end = {0};
  struct rusage usage = {0};
  if (!arguments(env, info, 1, values)) return NULL;
  if (napi_get_value_int32(env, values[0], &pid) != napi_ok) return fail(env, "waitid", EINVAL);
  /* The C library's waitid has no place for what the kernel says about resources. */
  if (syscall(SYS_waitid, pid == 0 ? P_ALL : P_PID, (id_t)pid, &end, WEXITED | WNOHANG | WNOWAIT, &usage) != 0)
    return errno == ECHILD ? NULL : fail(env, "waitid", errno);
  if (end.si_pid == 0) return NULL;
  int status = end.si_code == CLD_EXITED ? end.si_status << 8 : end.si_status | (end.si_code == CLD_DUMPED ? 0x80 : 0);
  napi_create_array_with_length(env, 3, &result);
  napi_create_int32(env, end.si_pid, &number);
  napi_set_element(env, result, 0, number);
  napi_create_int32(env, status, &number);
  napi_set_element(env, result, 1, number);
  napi_create_int64(env, usage.ru_maxrss, &number);
  napi_set_element(env, result, 2, number);
  return result;
}

static napi_value reap(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int pid;
  if (!arguments(env, info, 1, values)) return NULL;
  if (napi_get_value_int32(env, values[0], &pid) != napi_ok || pid <= 0) return fail(env, "waitpid", EINVAL);
  return waitpid(pid, NULL, WNOHANG) == pid ? NULL : fail(env, "waitpid", errno);
}

const struct addon_function spawn_functions[] = {{"spawn", spawn}, {"ended", ended}, {"reap", reap}, {NULL, NULL}};
