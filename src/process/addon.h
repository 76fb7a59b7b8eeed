/* The declarations that the parts of the addon share. */
#pragma once

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>

/* Node-API does not bring libuv's own header; these values are the same in every libuv 1. */
enum { UV_CHECK = 2, UV_POLL = 8 };
struct uv_loop_s;
size_t uv_handle_size(int type);
void *uv_handle_get_data(const void *handle);
void uv_handle_set_data(void *handle, void *data);
void uv_unref(void *handle);
void uv_close(void *handle, void (*closed)(void *handle));
int uv_check_init(struct uv_loop_s *loop, void *check);
int uv_check_start(void *check, void (*turn)(void *check));
int uv_poll_init(struct uv_loop_s *loop, void *poll, int fd);
int uv_poll_start(void *poll, int events, void (*ready)(void *poll, int status, int events));
int uv_poll_stop(void *poll);

struct addon_function {
  const char *name;
  napi_callback function;
};

/* Of the files addon-*.c; the last has no name. */
extern const struct addon_function inotify_functions[];
extern const struct addon_function log_functions[];
extern const struct addon_function notify_functions[];
extern const struct addon_function spawn_functions[];
extern const struct addon_function supervise_functions[];
extern const struct addon_function watch_functions[];

/* Throws an Error with `code` and `syscall`. */
napi_value fail(napi_env env, const char *syscall_name, int error);
/* Exactly so many, else it throws. */
bool arguments(napi_env env, napi_callback_info info, size_t wanted, napi_value *values);
bool descriptor(napi_env env, napi_value value, int *fd);
