/* The processes as /proc shows them. /proc may be missing, or belong to another namespace. */
#include "my_init.h"

#include <dirent.h>

static DIR *proc; /* NULL: /proc does not show us */

void processes_open(void) {
  char self[16] = "";
  if (readlink("/proc/self", self, sizeof self - 1) > 0 && atoi(self) == facts.pid) proc = opendir("/proc");
}

/*
 * -1 when the process is gone. The name in stat may contain anything, also ") R 1": the last
 * parenthesis ends it.
 */
static pid_t parent_of(pid_t pid, bool *lives) {
  char path[32], text[512], state = 'X';
  snprintf(path, sizeof path, "%d/stat", pid);
  int fd = openat(dirfd(proc), path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  if (length <= 0) return -1;
  text[length] = '\0';
  const char *end = strrchr(text, ')');
  if (end == NULL) return -1;
  int parent, threads, fields = sscanf(end + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d",
                                       &state, &parent, &threads);
  /* A leader that has ended is a zombie although its other threads go on. */
  *lives = fields == 3 && ((state != 'Z' && state != 'X') || threads > 1);
  return fields == 3 ? parent : -1;
}

static bool is_ours_and_lives(pid_t pid) {
  bool lives = false, ancestor_lives;
  pid_t parent = parent_of(pid, &lives);
  while (!facts.pid1 && parent > 1 && parent != facts.pid) parent = parent_of(parent, &ancestor_lives);
  return lives && pid != facts.pid && (facts.pid1 || parent == facts.pid);
}

/* Our next living process, 0 after the last. */
static pid_t next_process(void) {
  for (const struct dirent *entry; (entry = readdir(proc)) != NULL;) {
    pid_t pid = atoi(entry->d_name);
    if (pid > 0 && is_ours_and_lives(pid)) return pid;
  }
  return 0;
}

enum left processes_left(void) {
  siginfo_t info;
  enum left left = LEFT_NOBODY;
  bool children = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
  if (!children && (!facts.pid1 || kill(-1, 0) != 0)) return LEFT_NOBODY;
  if (proc == NULL) return LEFT_OTHERS;
  rewinddir(proc);
  for (pid_t pid; left != LEFT_OTHERS && (pid = next_process()) != 0;)
    left = pid == controller_pid() ? LEFT_CONTROLLER : LEFT_OTHERS;
  return left;
}

pid_t processes_first(void) {
  if (proc != NULL) rewinddir(proc);
  return proc != NULL ? next_process() : 0;
}

/* To all that is ours. kill(-1) anywhere but in a PID namespace of our own would be an attack. */
void processes_signal(int signal) {
  if (facts.pid1) {
    kill(-1, signal);
  } else if (proc != NULL) {
    rewinddir(proc);
    for (pid_t pid; (pid = next_process()) != 0;) kill(pid, signal);
  } else {
    watch_signal(signal);
    controller_signal(signal);
  }
}
