/*
 * The socket of sd_notify(3): datagrams with the credentials of their sender. src/process/native.ts
 * describes each function.
 */
#include "addon.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_TEXT 4096 /* as systemd takes */
#define MAX_PASSED 253 /* SCM_MAX_FD of Linux */

static napi_value fail_closing(napi_env env, const char *syscall_name, int fd) {
  int error = errno;
  close(fd);
  return fail(env, syscall_name, error);
}

static napi_value notify_socket(napi_env env, napi_callback_info info) {
  napi_value values[1], result;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length;
  int on = 1;
  if (!arguments(env, info, 1, values)) return NULL;
  if (napi_get_value_string_utf8(env, values[0], NULL, 0, &length) != napi_ok || length == 0 || length >= sizeof address.sun_path)
    return fail(env, "bind", ENAMETOOLONG);
  napi_get_value_string_utf8(env, values[0], address.sun_path, sizeof address.sun_path, NULL);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return fail(env, "socket", errno);
  if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) return fail_closing(env, "setsockopt", fd);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) return fail_closing(env, "bind", fd);
  /* Anybody may write, so the sender of each message is looked at. */
  if (chmod(address.sun_path, 0666) != 0) return fail_closing(env, "chmod", fd);
  napi_create_int32(env, fd, &result);
  return result;
}

static void set_number(napi_env env, napi_value object, const char *key, double number) {
  napi_value value;
  napi_create_double(env, number, &value);
  napi_set_named_property(env, object, key, value);
}

/*
 * Closing what came along is the whole answer to BARRIER=1, and nothing of it is wanted. Returns
 * how many there were.
 */
static int close_passed(struct msghdr *message, struct ucred *sender) {
  int count = 0;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL; header = CMSG_NXTHDR(message, header)) {
    if (header->cmsg_level != SOL_SOCKET) continue;
    if (header->cmsg_type == SCM_CREDENTIALS) memcpy(sender, CMSG_DATA(header), sizeof *sender);
    if (header->cmsg_type != SCM_RIGHTS) continue;
    for (size_t at = 0; CMSG_LEN(at + sizeof(int)) <= header->cmsg_len; at += sizeof(int), count++) {
      int passed;
      memcpy(&passed, CMSG_DATA(header) + at, sizeof passed);
      close(passed);
    }
  }
  return count;
}

static napi_value receive_notification(napi_env env, napi_callback_info info) {
  static char text[MAX_TEXT];
  static _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(MAX_PASSED * sizeof(int))];
  napi_value values[1], result, words;
  int fd;
  struct ucred sender = {0, (uid_t)-1, (gid_t)-1};
  if (!arguments(env, info, 1, values) || !descriptor(env, values[0], &fd)) return NULL;
  struct iovec part = {.iov_base = text, .iov_len = sizeof text};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  ssize_t length;
  do length = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (length < 0 && errno == EINTR);
  if (length < 0) return errno == EAGAIN ? NULL : fail(env, "recvmsg", errno);
  int passed = close_passed(&message, &sender);
  napi_create_object(env, &result);
  napi_create_string_utf8(env, text, message.msg_flags & MSG_TRUNC ? 0 : (size_t)length, &words);
  napi_set_named_property(env, result, "text", words);
  set_number(env, result, "pid", sender.pid);
  set_number(env, result, "uid", sender.uid);
  set_number(env, result, "descriptors", passed);
  return result;
}

const struct addon_function notify_functions[] = {
    {"notifySocket", notify_socket}, {"receiveNotification", receive_notification}, {NULL, NULL}};
