/* The processes as /proc shows them. It may be missing, or that of another namespace. */
#include "my_init.h"

#include <dirent.h>

struct process {
  pid_t parent;
  bool lives;
};

static DIR *proc; /* NULL: it tells nothing of us */

void processes_open(void) {
  char self[16] = "";
  if (readlink("/proc/self", self, sizeof self - 1) > 0 && atoi(self) == facts.pid) proc = opendir("/proc");
}

/* The name in stat may contain anything, also ") R 1": it ends at the last parenthesis. */
static bool read_process(pid_t pid, struct process *process) {
  char path[32], text[512], state = 'X';
  snprintf(path, sizeof path, "%d/stat", pid);
  int fd = openat(dirfd(proc), path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  if (length <= 0) return false;
  text[length] = '\0';
  const char *end = strrchr(text, ')');
  if (end == NULL) return false;
  int threads = 0, fields = sscanf(end + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d", &state,
                                   &process->parent, &threads);
  /* A leader that has ended is a zombie although its other threads go on. */
  process->lives = (state != 'Z' && state != 'X') || threads > 1;
  return fields == 3;
}

static bool is_ours(pid_t pid, pid_t parent) {
  struct process ancestor;
  while (!facts.pid1 && parent > 1 && parent != facts.pid)
    parent = read_process(parent, &ancestor) ? ancestor.parent : 0;
  return pid != facts.pid && parent >= 0 && (facts.pid1 || parent == facts.pid);
}

/* Our next living process, 0 after the last. */
static pid_t next_process(void) {
  for (const struct dirent *entry; (entry = readdir(proc)) != NULL;) {
    struct process process;
    pid_t pid = atoi(entry->d_name);
    if (pid > 0 && read_process(pid, &process) && process.lives && is_ours(pid, process.parent)) return pid;
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
