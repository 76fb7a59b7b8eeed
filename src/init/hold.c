/* Descriptors that outlive the controller: each stays at its number in init and in every controller. */
#include "my_init.h"

#include <fnmatch.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define LOWEST 100 /* or half of the limit of open files, where that is less */

static struct {
  int fd;
  char name[MAX_NAME];
} held[MAX_HELD];
static size_t count;

static size_t find(const char *name) {
  size_t at = 0;
  while (at < count && strcmp(held[at].name, name) != 0) at++;
  return at;
}

static int lowest(void) {
  rlim_t half = facts.descriptors.rlim_max / 2;
  return half < LOWEST ? (int)half : LOWEST;
}

/* NULL when it is held, else why not. */
static const char *hold(const char *name, int fd) {
  size_t at = find(name);
  int high = at == MAX_HELD ? -1 : fcntl(fd, F_DUPFD, lowest()); /* all that is executed is a controller, which inherits it */
  if (high < 0) return "too many are held";
  if (at < count) close(held[at].fd);
  else count++;
  held[at].fd = high;
  snprintf(held[at].name, MAX_NAME, "%s", name);
  return NULL;
}

/* A memfd takes all of a write, or fails. */
void hold_environment(void) {
  int fd = memfd_create("environ", MFD_CLOEXEC);
  bool kept = fd >= 0;
  for (char **variable = environ; kept && *variable != NULL; variable++) {
    ssize_t size = (ssize_t)strlen(*variable) + 1;
    kept = write(fd, *variable, (size_t)size) == size;
  }
  if (!kept || hold("environ", fd) != NULL) give_up(EXIT_INTERNAL, "cannot keep the environment: %m");
  close(fd);
}

static const char *take_datagram(const struct msghdr *message, char *name, size_t length) {
  int fd;
  struct cmsghdr *header = CMSG_FIRSTHDR(message);
  if (header == NULL) return message->msg_flags & MSG_CTRUNC ? "none is free" : "there was none";
  memcpy(&fd, CMSG_DATA(header), sizeof fd);
  const char *problem = NULL;
  if (message->msg_flags & MSG_CTRUNC) problem = "more than one";
  else if (length == 0 || length >= MAX_NAME || !is_text(name, length, '!')) problem = "not a name";
  else name[length] = '\0', problem = hold(name, fd);
  close(fd);
  return problem;
}

/* An empty datagram is taken for the end of file, which looks the same. */
bool hold_receive(int socket) {
  for (int i = 0; i < MAX_HELD; i++) {
    char name[MAX_NAME];
    /* CMSG_LEN, for CMSG_SPACE has room for a second descriptor, which would be ours to close. */
    _Alignas(struct cmsghdr) char control[CMSG_LEN(sizeof(int))];
    struct iovec part = {.iov_base = name, .iov_len = sizeof name};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t length = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length < 0) return errno == EAGAIN;
    if (length == 0 && CMSG_FIRSTHDR(&message) == NULL) return false;
    const char *problem = take_datagram(&message, name, (size_t)length);
    if (problem != NULL) link_line("error descriptor: %s", problem);
  }
  return true;
}

void hold_release(const char *name) {
  size_t at = find(name);
  if (at == count) return;
  close(held[at].fd);
  held[at] = held[--count];
}

void hold_hand_over(void) {
  for (size_t i = 0; i < count; i++) link_line("held %s %d", held[i].name, held[i].fd);
}

/* What services have said, or a controller at its end, and no controller will read any more goes where one would have sent it. */
void hold_pour_logs(void) {
  for (size_t i = 0; i < count; i++) {
    bool words = strcmp(held[i].name, "last-words") == 0 && lseek(held[i].fd, 0, SEEK_SET) == 0;
    if (words) pour(held[i].fd, 2);
    if (words && ftruncate(held[i].fd, 0) != 0) continue;
    if (fnmatch("log.*.out.r", held[i].name, 0) == 0) pour(held[i].fd, 1);
    if (fnmatch("log.*.err.r", held[i].name, 0) == 0) pour(held[i].fd, 2);
  }
}
