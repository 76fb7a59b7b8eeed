/*
 * The parts of src/supervisor that speak runit's protocol. SuperviseFunctions of native.ts
 * describes each of them.
 */
#include "addon.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/stat.h>

static napi_value make_fifo(napi_env env, napi_callback_info info) {
  napi_value values[2];
  char path[PATH_MAX];
  size_t length;
  uint32_t mode;
  if (!arguments(env, info, 2, values)) return NULL;
  if (napi_get_value_string_utf8(env, values[0], path, sizeof path, &length) != napi_ok ||
      napi_get_value_uint32(env, values[1], &mode) != napi_ok)
    return fail(env, "mkfifo", EINVAL);
  if (length == sizeof path - 1) return fail(env, "mkfifo", ENAMETOOLONG);
  return mkfifo(path, (mode_t)mode) == 0 ? NULL : fail(env, "mkfifo", errno);
}

static napi_value lock(napi_env env, napi_callback_info info) {
  napi_value values[2], result;
  int fd;
  bool wanted;
  if (!arguments(env, info, 2, values) || !descriptor(env, values[0], &fd)) return NULL;
  if (napi_get_value_bool(env, values[1], &wanted) != napi_ok) return fail(env, "flock", EINVAL);
  int outcome = flock(fd, wanted ? LOCK_EX | LOCK_NB : LOCK_UN);
  if (outcome != 0 && errno != EWOULDBLOCK) return fail(env, "flock", errno);
  napi_get_boolean(env, outcome == 0, &result);
  return result;
}

const struct addon_function supervise_functions[] = {{"mkfifo", make_fifo}, {"lock", lock}, {NULL, NULL}};
