/* inotify(7), for src/process/inotify.ts. */
#include "addon.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <sys/inotify.h>

static napi_value number(napi_env env, int value) {
  napi_value result;
  napi_create_int32(env, value, &result);
  return result;
}

static napi_value open_inotify(napi_env env, napi_callback_info info) {
  (void)info;
  int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  return fd < 0 ? fail(env, "inotify_init1", errno) : number(env, fd);
}

static napi_value add_watch(napi_env env, napi_callback_info info) {
  napi_value values[3];
  int fd;
  char path[PATH_MAX];
  size_t length;
  uint32_t mask;
  if (!arguments(env, info, 3, values) || !descriptor(env, values[0], &fd)) return NULL;
  if (napi_get_value_string_utf8(env, values[1], path, sizeof path, &length) != napi_ok ||
      napi_get_value_uint32(env, values[2], &mask) != napi_ok)
    return fail(env, "inotify_add_watch", EINVAL);
  if (length == sizeof path - 1) return fail(env, "inotify_add_watch", ENAMETOOLONG);
  int watch = inotify_add_watch(fd, path, mask);
  return watch < 0 ? fail(env, "inotify_add_watch", errno) : number(env, watch);
}

static napi_value remove_watch(napi_env env, napi_callback_info info) {
  napi_value values[2];
  int fd, watch;
  if (!arguments(env, info, 2, values) || !descriptor(env, values[0], &fd) || !descriptor(env, values[1], &watch)) return NULL;
  inotify_rm_watch(fd, watch); /* EINVAL: the kernel has removed it, together with the directory */
  return NULL;
}

const struct addon_function inotify_functions[] = {
    {"openInotify", open_inotify}, {"addWatch", add_watch}, {"removeWatch", remove_watch}, {NULL, NULL}};
