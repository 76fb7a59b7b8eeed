/*
 * The two sockets to the controller. init never waits for it: a line is made only when there is
 * room for it.
 */
#include "my_init.h"

#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define ENOUGH 4096 /* to be sent: until it is, nothing more is reported, and nothing received that would be answered */
#define HUNG_UP_MAY_LIVE SECOND /* the controller may be about to exit with a code worth knowing */

static int lines = -1, descriptors = -1;
static char line[MAX_LINE];  /* the incoming line */
/* The longest handover fits, and memory that is never written to costs nothing. */
static char out[MAX_HELD * (MAX_NAME + 12) + MAX_WATCHED * 40 + 16 * 1024];
static size_t line_length, out_length;

/*
 * The controller's ends become its 3 and 4. Neither end is 3 or 4 before: signals are read from 3,
 * and our end is the lower.
 */
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

/* Lines wait in the socket until their answers have room; a dead controller needs no answers. */
static bool may_receive(void) { return lines >= 0 && (out_length < ENOUGH || controller_pid() == 0); }

static void receive_byte(char byte) {
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
    while (out_length < ENOUGH && (signals_report() || watch_report() || orphans_report())) continue;
    if (out_length == 0) return;
    ssize_t sent = send(lines, out, out_length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EPIPE) return;
    out_length = sent < 0 ? 0 : out_length - (size_t)sent;
    if (sent > 0) memmove(out, out + sent, out_length);
  }
}

/* Everything that was sent until now, but not the lines that a flood adds meanwhile. */
void link_receive_lines(void) {
  int pending = 0;
  while (may_receive()) {
    char in[4096];
    ssize_t length = recv(lines, in, sizeof in, MSG_DONTWAIT);
    if (length < 0 && errno == EAGAIN) return;
    if (length <= 0) return close_end(&lines), timer_set(TIMER_CONTROLLER, HUNG_UP_MAY_LIVE);
    if (pending == 0) ioctl(lines, FIONREAD, &pending); /* how much there is behind the first piece */
    else pending -= (int)length;
    for (ssize_t i = 0; i < length; i++) receive_byte(in[i]);
    if (pending <= 0) return;
  }
}

static const char *receive_descriptor(const struct msghdr *message, const char *name, size_t length) {
  int fd;
  struct cmsghdr *header = CMSG_FIRSTHDR(message);
  bool is_name = length > 0 && length < MAX_NAME && is_text(name, length, '!');
  if (header == NULL) return message->msg_flags & MSG_CTRUNC ? "none is free" : "there was none";
  memcpy(&fd, CMSG_DATA(header), sizeof fd);
  const char *problem = message->msg_flags & MSG_CTRUNC ? "more than one" : is_name ? hold(name, fd) : "not a name";
  close(fd);
  return problem;
}

/* An empty datagram is taken for the end of file, which looks the same. */
void link_receive_descriptors(void) {
  for (int i = 0; i < MAX_HELD; i++) {
    char name[MAX_NAME + 1] = "";
    /* CMSG_LEN, for CMSG_SPACE has room for a second descriptor, which would be ours to close. */
    _Alignas(struct cmsghdr) char control[CMSG_LEN(sizeof(int))];
    struct iovec part = {.iov_base = name, .iov_len = MAX_NAME};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t length = recvmsg(descriptors, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length < 0 && errno == EAGAIN) return;
    if (length < 0 || (length == 0 && CMSG_FIRSTHDR(&message) == NULL)) return close_end(&descriptors);
    const char *problem = receive_descriptor(&message, name, (size_t)length);
    if (problem != NULL) link_line("error descriptor: %s", problem);
  }
}

void link_drain(void) {
  link_receive_lines();
  link_receive_descriptors();
  close_end(&lines);
  close_end(&descriptors);
}

void link_poll(struct pollfd polled[2]) {
  polled[0] = (struct pollfd){.fd = lines, .events = (may_receive() ? POLLIN : 0) | (out_length > 0 ? POLLOUT : 0)};
  polled[1] = (struct pollfd){.fd = descriptors, .events = POLLIN};
}

void link_end(void) {
  if (lines >= 0) shutdown(lines, SHUT_WR);
}
