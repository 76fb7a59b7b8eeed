/*
 * Functions that Node lacks: peer credentials, passing a descriptor, a memfd, a pipe, a watchdog.
 * BasicFunctions of native.ts describes each of them.
 */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define MAX_PAYLOAD 64

napi_value fail(napi_env env, const char *syscall_name, int error) {
  napi_value code, message, exception, name;
  const char *word = strerrorname_np(error);
  napi_create_string_utf8(env, word ? word : "UNKNOWN", NAPI_AUTO_LENGTH, &code);
  napi_create_string_utf8(env, strerror(error), NAPI_AUTO_LENGTH, &message);
  napi_create_error(env, code, message, &exception);
  napi_create_string_utf8(env, syscall_name, NAPI_AUTO_LENGTH, &name);
  napi_set_named_property(env, exception, "syscall", name);
  napi_throw(env, exception);
  return NULL;
}

bool arguments(napi_env env, napi_callback_info info, size_t wanted, napi_value *values) {
  size_t count = wanted;
  if (napi_get_cb_info(env, info, &count, values, NULL, NULL) == napi_ok && count == wanted) return true;
  napi_throw_type_error(env, "EINVAL", "wrong number of arguments");
  return false;
}

bool descriptor(napi_env env, napi_value value, int *fd) {
  if (napi_get_value_int32(env, value, fd) == napi_ok && *fd >= 0) return true;
  napi_throw_type_error(env, "EBADF", "a descriptor is a number, 0 or more");
  return false;
}

static void set_number(napi_env env, napi_value object, const char *key, double number) {
  napi_value value;
  napi_create_double(env, number, &value);
  napi_set_named_property(env, object, key, value);
}

static napi_value peer_credentials(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd;
  if (!arguments(env, info, 1, values) || !descriptor(env, values[0], &fd)) return NULL;
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return fail(env, "getsockopt", errno);
  napi_value result, groups;
  napi_create_object(env, &result);
  napi_create_array(env, &groups);
  set_number(env, result, "pid", peer.pid);
  set_number(env, result, "uid", peer.uid);
  set_number(env, result, "gid", peer.gid);
#ifdef SO_PEERGROUPS
  gid_t few[64], *list = few;
  length = sizeof few;
  int outcome = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, list, &length);
  if (outcome != 0 && errno == ERANGE && (list = malloc(length)) != NULL)
    outcome = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, list, &length);
  for (size_t i = 0; outcome == 0 && i < length / sizeof *list; i++) {
    napi_value group;
    napi_create_uint32(env, list[i], &group);
    napi_set_element(env, groups, (uint32_t)i, group);
  }
  if (list != few) free(list);
#endif
  napi_set_named_property(env, result, "groups", groups);
  return result;
}

static napi_value send_descriptor(napi_env env, napi_callback_info info) {
  napi_value values[3];
  int socket_fd, fd;
  char payload[MAX_PAYLOAD];
  size_t length;
  if (!arguments(env, info, 3, values) || !descriptor(env, values[0], &socket_fd) || !descriptor(env, values[2], &fd))
    return NULL;
  if (napi_get_value_string_utf8(env, values[1], payload, sizeof payload, &length) != napi_ok || length == 0)
    return fail(env, "sendmsg", EINVAL);
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control = {0};
  struct iovec part = {.iov_base = payload, .iov_len = length};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  ssize_t sent;
  do sent = sendmsg(socket_fd, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? fail(env, "sendmsg", errno) : NULL;
}

static napi_value memfd(napi_env env, napi_callback_info info) {
  napi_value values[1], result;
  char name[MAX_PAYLOAD];
  size_t length;
  if (!arguments(env, info, 1, values)) return NULL;
  if (napi_get_value_string_utf8(env, values[0], name, sizeof name, &length) != napi_ok) return fail(env, "memfd_create", EINVAL);
  int fd = memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) return fail(env, "memfd_create", errno);
  napi_create_int32(env, fd, &result);
  return result;
}

/* As much as can wait to be read while the controller is busy, or is being started again. */
#define PIPE_BYTES (256 * 1024)

static napi_value make_pipe(napi_env env, napi_callback_info info) {
  napi_value values[1];
  bool waits;
  int ends[2];
  if (!arguments(env, info, 1, values)) return NULL;
  if (napi_get_value_bool(env, values[0], &waits) != napi_ok) return fail(env, "pipe2", EINVAL);
  if (pipe2(ends, O_CLOEXEC) != 0) return fail(env, "pipe2", errno);
  fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES); /* or the default, where the user's share is used up */
  if ((!waits && fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) || fchmod(ends[1], 0622) != 0) {
    int error = errno;
    close(ends[0]);
    close(ends[1]);
    return fail(env, "fchmod", error);
  }
  napi_value result;
  napi_create_array_with_length(env, 2, &result);
  for (uint32_t i = 0; i < 2; i++) {
    napi_value end;
    napi_create_int32(env, ends[i], &end);
    napi_set_element(env, result, i, end);
  }
  return result;
}

static napi_value replace_descriptor(napi_env env, napi_callback_info info) {
  napi_value values[2], result;
  int fd, by;
  if (!arguments(env, info, 2, values) || !descriptor(env, values[0], &fd) || !descriptor(env, values[1], &by)) return NULL;
  int before = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (before < 0) return fail(env, "fcntl", errno);
  if (dup2(by, fd) < 0) return fail(env, "dup2", errno);
  napi_create_int32(env, before, &result);
  return result;
}

#define BLOCKED_CPU_SECONDS 5
static volatile unsigned turns;

static void count_turn(void *check) {
  (void)check;
  turns = turns + 1;
}

/* Once for each second that the main thread has computed: never while it sleeps. */
static void on_cpu_time(int signal) {
  static unsigned turns_before, seconds;
  static const char words[] = "FATAL: the event loop is blocked: no turn of it in 5 s of computing\n";
  (void)signal;
  seconds = turns == turns_before ? seconds + 1 : 0;
  turns_before = turns;
  if (seconds == BLOCKED_CPU_SECONDS && write(2, words, sizeof words - 1) != 0) _exit(EX_SOFTWARE);
}

static napi_value end_when_blocked(napi_env env, napi_callback_info info) {
  (void)info;
  struct uv_loop_s *loop;
  void *check = malloc(uv_handle_size(UV_CHECK)); /* for the life of the process */
  if (check == NULL) return fail(env, "malloc", ENOMEM);
  if (napi_get_uv_event_loop(env, &loop) != napi_ok || uv_check_init(loop, check) != 0) return fail(env, "uv_check_init", EINVAL);
  uv_check_start(check, count_turn);
  uv_unref(check);
  struct sigaction action = {.sa_handler = on_cpu_time, .sa_flags = SA_RESTART};
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
  struct itimerspec every = {.it_interval.tv_sec = 1, .it_value.tv_sec = 1};
  timer_t timer;
  if (sigaction(SIGRTMIN + 1, &action, NULL) != 0) return fail(env, "sigaction", errno);
  if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) != 0) return fail(env, "timer_create", errno);
  if (timer_settime(timer, 0, &every, NULL) != 0) return fail(env, "timer_settime", errno);
  return NULL;
}

static napi_value ignore_signal(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int number;
  if (!arguments(env, info, 1, values)) return NULL;
  if (napi_get_value_int32(env, values[0], &number) != napi_ok) return fail(env, "signal", EINVAL);
  return signal(number, SIG_IGN) == SIG_ERR ? fail(env, "signal", errno) : NULL;
}

static const struct addon_function functions[] = {{"peerCredentials", peer_credentials},
                                                 {"sendDescriptor", send_descriptor},
                                                 {"memfd", memfd},
                                                 {"pipe", make_pipe},
                                                 {"replaceDescriptor", replace_descriptor},
                                                 {"endWhenBlocked", end_when_blocked},
                                                 {"ignoreSignal", ignore_signal},
                                                 {NULL, NULL}};

static bool add(napi_env env, napi_value exports, const struct addon_function *one) {
  napi_value function;
  for (; one->name != NULL; one++)
    if (napi_create_function(env, one->name, NAPI_AUTO_LENGTH, one->function, NULL, &function) != napi_ok ||
        napi_set_named_property(env, exports, one->name, function) != napi_ok)
      return false;
  return true;
}

NAPI_MODULE_INIT() {
  const struct addon_function *const all[] = {functions,       inotify_functions,   log_functions, notify_functions,
                                              spawn_functions, supervise_functions, watch_functions};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (!add(env, exports, all[i])) return NULL;
  return exports;
}
