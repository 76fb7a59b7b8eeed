/* The two sockets to the controller. init never waits for it: a line is made only when there is room for it. */
#include "my_init.h"

#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define ENOUGH 4096 /* to be sent: until it is, nothing more is told, and nothing received that would be answered */

static int lines = -1, descriptors = -1;
static char line[MAX_LINE];  /* that is coming in */
/* The longest handover fits, and memory that is never written to costs nothing. */
static char out[MAX_HELD * (MAX_NAME + 12) + MAX_WATCHED * 32 + 16 * 1024];
static size_t line_length, out_length;

/* The controller's ends become its 3 and 4; they are neither before, for signals are read from 3, and our end is the lower. */
bool link_open(int ends[2]) {
  int pair[2];
  line_length = out_length = 0;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return false;
  lines = pair[0];
  ends[0] = pair[1];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return false;
  descriptors = pair[0];
  ends[1] = pair[1];
  return true;
}

static void close_end(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

void link_line(const char *format, ...) {
  if (lines < 0 || sizeof out - out_length < MAX_LINE) return;
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(out + out_length, MAX_LINE, format, arguments);
  va_end(arguments);
  out_length += length < MAX_LINE ? (size_t)length : MAX_LINE - 1;
  out[out_length++] = '\n';
}

/* Lines wait in the socket until their answers have room; those of a dead controller are for nobody. */
static bool may_receive(void) { return lines >= 0 && (out_length < ENOUGH || controller_pid() == 0); }

static void take(char byte) {
  if (byte != '\n') {
    if (line_length < MAX_LINE) line[line_length++] = byte;
    return;
  }
  if (line_length == MAX_LINE) link_line("error line: longer than %d bytes", MAX_LINE - 1);
  else line[line_length] = '\0', order_carry_out(line, line_length);
  line_length = 0;
}

void link_send(void) {
  while (lines >= 0) {
    while (out_length < ENOUGH && (signals_tell() || watch_tell() || orphans_tell())) continue;
    if (out_length == 0) return;
    ssize_t sent = send(lines, out, out_length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EPIPE) return;
    out_length = sent < 0 ? 0 : out_length - (size_t)sent;
    if (sent > 0) memmove(out, out + sent, out_length);
  }
}

static int unread(void) {
  int pending = 0;
  ioctl(lines, FIONREAD, &pending);
  return pending;
}

/* All that was sent until now, and not what a flood adds meanwhile. */
static void receive_lines(void) {
  int pending = unread();
  while (may_receive()) {
    char in[4096];
    ssize_t length = recv(lines, in, sizeof in, MSG_DONTWAIT);
    if (length < 0 && errno == EAGAIN) return;
    if (length <= 0) return close_end(&lines), controller_hung_up();
    for (ssize_t i = 0; i < length; i++) take(in[i]);
    pending -= (int)length;
    if (pending <= 0) return;
  }
}

void link_take_descriptors(void) {
  if (descriptors >= 0 && !hold_receive(descriptors)) close_end(&descriptors);
}

void link_receive(const struct pollfd polled[2]) {
  if (polled[0].revents != 0) receive_lines();
  if (polled[1].revents != 0) link_take_descriptors();
}

void link_catch_up(void) {
  if (unread() > 0) receive_lines();
}

void link_drain(void) {
  receive_lines();
  link_take_descriptors();
  close_end(&lines);
  close_end(&descriptors);
}

void link_poll(struct pollfd polled[2]) {
  int events = (may_receive() ? POLLIN : 0) | (out_length > 0 ? POLLOUT : 0);
  polled[0] = (struct pollfd){.fd = lines, .events = (short)events};
  polled[1] = (struct pollfd){.fd = descriptors, .events = POLLIN};
}

void link_end(void) {
  if (lines >= 0) shutdown(lines, SHUT_WR);
}
