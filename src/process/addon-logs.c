/* The parts of src/logs that touch every byte. LogFunctions of native.ts describes each of them. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* `2026-11-23T03:22:11.123456789Z stdout F `, as src/logs/store/cri.ts has it. */
#define HEAD 40
#define STREAM_LETTER 34
#define TAG 38
#define MAX_CONTENT (16 * 1024)

static bool buffer(napi_env env, napi_value value, uint8_t **bytes, size_t *size) {
  void *data;
  if (napi_get_buffer_info(env, value, &data, size) != napi_ok) return false;
  *bytes = data;
  return true;
}

static bool place(napi_env env, napi_value value, size_t size, size_t *at) {
  uint32_t number;
  if (napi_get_value_uint32(env, value, &number) != napi_ok || number > size) return false;
  *at = number;
  return true;
}

static bool all_written(int fd, const uint8_t *bytes, size_t size, off_t at) {
  return pwrite(fd, bytes, size, at) == (ssize_t)size;
}

/*
 * In one system call, splice takes bytes from the pipe, puts them into the file and moves the
 * file's position: a SIGKILL cannot tear them apart. A kernel that cannot do so (gVisor), or has no
 * memory for it, needs a read and a write.
 */
static ssize_t move(int pipe_fd, int file, uint8_t *into, size_t size, size_t at) {
  ssize_t length = -1;
  if (lseek(file, (off_t)at, SEEK_SET) >= 0) length = splice(pipe_fd, NULL, file, NULL, size, SPLICE_F_NONBLOCK);
  if (length > 0) return pread(file, into, (size_t)length, (off_t)at);
  if (length == 0 || errno == EAGAIN || errno == EINTR) return 0;
  length = read(pipe_fd, into, size);
  if (length > 0 && all_written(file, into, (size_t)length, (off_t)at)) lseek(file, (off_t)(at + (size_t)length), SEEK_SET);
  return length < 0 ? 0 : length;
}

static napi_value read_pipe(napi_env env, napi_callback_info info) {
  napi_value values[4], result;
  int pipe_fd, file;
  uint8_t *bytes;
  size_t size, used;
  if (!arguments(env, info, 4, values) || !descriptor(env, values[0], &pipe_fd) || !descriptor(env, values[1], &file)) return NULL;
  if (!buffer(env, values[2], &bytes, &size) || !place(env, values[3], size, &used)) return fail(env, "splice", EINVAL);
  /* The position first: until something is moved it says that nothing was. */
  lseek(file, (off_t)used, SEEK_SET);
  all_written(file, bytes, used, 0);
  ssize_t length = move(pipe_fd, file, bytes + used, size - used, used);
  napi_create_double(env, length < 0 ? 0 : (double)length, &result);
  return result;
}

/* FIONREAD of a pipe; 0 where the kernel does not tell. */
static napi_value readable_bytes(napi_env env, napi_callback_info info) {
  napi_value values[1], result;
  int fd, bytes = 0;
  if (!arguments(env, info, 1, values) || !descriptor(env, values[0], &fd)) return NULL;
  if (ioctl(fd, FIONREAD, &bytes) != 0) bytes = 0;
  napi_create_int32(env, bytes, &result);
  return result;
}

/* An Int32Array of so many numbers. */
static int32_t *numbers(napi_env env, napi_value value, size_t wanted) {
  napi_typedarray_type type;
  size_t length;
  void *data;
  if (napi_get_typedarray_info(env, value, &type, &length, &data, NULL, NULL) != napi_ok) return NULL;
  return type == napi_int32_array && length >= wanted ? data : NULL;
}

/* Text from `at` on becomes records, as far as lines are ended, or too long, and `out` has room. */
static napi_value stamp(napi_env env, napi_callback_info info) {
  napi_value values[6];
  uint8_t *text, *head, *out;
  size_t text_size, head_size, out_size, at, end;
  if (!arguments(env, info, 6, values)) return NULL;
  int32_t *result = numbers(env, values[5], 3);
  if (!buffer(env, values[0], &text, &text_size) || !place(env, values[1], text_size, &at) ||
      !place(env, values[2], text_size, &end) || !buffer(env, values[3], &head, &head_size) || head_size != HEAD ||
      !buffer(env, values[4], &out, &out_size) || result == NULL)
    return fail(env, "stamp", EINVAL);
  size_t used = 0;
  int32_t records = 0;
  while (at < end) {
    size_t left = end - at;
    uint8_t *newline = memchr(text + at, '\n', left <= MAX_CONTENT ? left : MAX_CONTENT + 1);
    if (newline == NULL && left <= MAX_CONTENT) break;
    size_t length = newline == NULL ? MAX_CONTENT : (size_t)(newline - text) - at;
    if (out_size - used < HEAD + length + 1) break;
    memcpy(out + used, head, HEAD);
    out[used + TAG] = newline == NULL ? 'P' : 'F';
    memcpy(out + used + HEAD, text + at, length);
    used += HEAD + length + 1;
    out[used - 1] = '\n';
    records++;
    at += length + (newline == NULL ? 0 : 1);
  }
  result[0] = (int32_t)at;
  result[1] = (int32_t)used;
  result[2] = records;
  return NULL;
}

/*
 * The text of whole lines of the wanted streams, from `at` on, up to a piece of a line that is
 * wanted, or the end of the room.
 */
static napi_value unstamp(napi_env env, napi_callback_info info) {
  napi_value values[7];
  uint8_t *records, *out;
  size_t size, at, end, out_size, used;
  uint32_t wanted;
  if (!arguments(env, info, 7, values)) return NULL;
  int32_t *result = numbers(env, values[6], 5);
  if (!buffer(env, values[0], &records, &size) || !place(env, values[1], size, &at) || !place(env, values[2], size, &end) ||
      napi_get_value_uint32(env, values[3], &wanted) != napi_ok || !buffer(env, values[4], &out, &out_size) ||
      !place(env, values[5], out_size, &used) || result == NULL)
    return fail(env, "unstamp", EINVAL);
  int32_t count = 0, error_bytes = 0, error_count = 0;
  while (end - at > HEAD) {
    uint8_t *newline = memchr(records + at + HEAD, '\n', end - at - HEAD);
    if (newline == NULL) break;
    size_t length = (size_t)(newline + 1 - records) - at;
    bool error = records[at + STREAM_LETTER] == 'e';
    if (wanted & (error ? 2 : 1)) {
      if (records[at + TAG] == 'P' || out_size - used < length - HEAD) break;
      memcpy(out + used, records + at + HEAD, length - HEAD);
      used += length - HEAD;
    }
    if (error) {
      error_bytes += (int32_t)length;
      error_count++;
    }
    at += length;
    count++;
  }
  result[0] = (int32_t)at;
  result[1] = (int32_t)used;
  result[2] = count;
  result[3] = error_bytes;
  result[4] = error_count;
  return NULL;
}

const struct addon_function log_functions[] = {
    {"readPipe", read_pipe}, {"readableBytes", readable_bytes}, {"stamp", stamp}, {"unstamp", unstamp}, {NULL, NULL}};
