/* Descriptors watched by the event loop. WatchFunctions of native.ts describes each of them. */
#include "addon.h"

#include <errno.h>
#include <stdlib.h>

#define UV_READABLE 1

struct watch {
  napi_env env;
  napi_ref listener; /* NULL once the watch has ended */
  void *poll;
};

static void ready(void *poll, int status, int events) {
  (void)status, (void)events;
  struct watch *watch = uv_handle_get_data(poll);
  napi_handle_scope scope;
  napi_value listener, receiver, exception;
  if (napi_open_handle_scope(watch->env, &scope) != napi_ok) return;
  if (napi_get_reference_value(watch->env, watch->listener, &listener) == napi_ok &&
      napi_get_global(watch->env, &receiver) == napi_ok &&
      napi_make_callback(watch->env, NULL, receiver, listener, 0, NULL, NULL) == napi_pending_exception &&
      napi_get_and_clear_last_exception(watch->env, &exception) == napi_ok)
    napi_fatal_exception(watch->env, exception);
  napi_close_handle_scope(watch->env, scope);
}

/*
 * The JavaScript object is gone, so the watch can no longer be ended: an unended watch stays as it
 * is.
 */
static void collected(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  struct watch *watch = data;
  if (watch->listener == NULL) free(watch);
}

static napi_value watch_readable(napi_env env, napi_callback_info info) {
  napi_value values[2], result;
  int fd;
  struct uv_loop_s *loop;
  if (!arguments(env, info, 2, values) || !descriptor(env, values[0], &fd)) return NULL;
  struct watch *watch = malloc(sizeof *watch);
  void *poll = malloc(uv_handle_size(UV_POLL));
  if (watch == NULL || poll == NULL || napi_get_uv_event_loop(env, &loop) != napi_ok) goto fail;
  watch->env = env;
  watch->poll = poll;
  if (napi_create_reference(env, values[1], 1, &watch->listener) != napi_ok) goto fail;
  int error = uv_poll_init(loop, poll, fd);
  if (error != 0) {
    napi_delete_reference(env, watch->listener);
    free(watch);
    free(poll);
    return fail(env, "uv_poll_init", -error);
  }
  uv_handle_set_data(poll, watch);
  uv_unref(poll);
  napi_create_external(env, watch, collected, NULL, &result);
  return result;
fail:
  free(watch);
  free(poll);
  return fail(env, "uv_poll_init", ENOMEM);
}

static napi_value watch_on(napi_env env, napi_callback_info info) {
  napi_value values[2];
  void *data;
  bool on;
  if (!arguments(env, info, 2, values)) return NULL;
  if (napi_get_value_external(env, values[0], &data) != napi_ok || napi_get_value_bool(env, values[1], &on) != napi_ok)
    return fail(env, "uv_poll_start", EINVAL);
  struct watch *watch = data;
  if (watch->listener == NULL) return fail(env, "uv_poll_start", EBADF);
  int error = on ? uv_poll_start(watch->poll, UV_READABLE, ready) : uv_poll_stop(watch->poll);
  return error == 0 ? NULL : fail(env, "uv_poll_start", -error);
}

/* A second end is an error in JavaScript, and no crash of the controller. */
static napi_value end_watch(napi_env env, napi_callback_info info) {
  napi_value values[1];
  void *data;
  if (!arguments(env, info, 1, values)) return NULL;
  if (napi_get_value_external(env, values[0], &data) != napi_ok) return fail(env, "uv_close", EINVAL);
  struct watch *watch = data;
  if (watch->listener == NULL) return fail(env, "uv_close", EBADF);
  napi_delete_reference(env, watch->listener);
  watch->listener = NULL;
  uv_close(watch->poll, free);
  return NULL;
}

const struct addon_function watch_functions[] = {
    {"watchReadable", watch_readable}, {"watchOn", watch_on}, {"endWatch", end_watch}, {NULL, NULL}};
