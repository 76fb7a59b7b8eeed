/* The surroundings that init was started in, and how it adapts to them. */
#include "my_init.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

struct init_facts facts;

/* A descriptor 0, 1 or 2 that was closed would become some socket of ours. */
static void fill_standard_descriptors(void) {
  int fd, pair[2];
  do {
    fd = open("/dev/null", O_RDWR);
    if (fd < 0 && pipe(pair) == 0) close(pair[1]), fd = pair[0]; /* the next best: always at its end */
  } while (fd >= 0 && fd < 2);
}

static void close_inherited_descriptors(void) {
  if (syscall(SYS_close_range, 3, ~0U, 0) == 0) return;
  for (int fd = 3; fd < 1024; fd++) close(fd);
}

static void raise_descriptor_limit(void) {
  if (getrlimit(RLIMIT_NOFILE, &facts.descriptors) != 0) return;
  struct rlimit raised = {facts.descriptors.rlim_max, facts.descriptors.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &raised) != 0) say("cannot raise the limit of open files: %m");
}

void system_set_up(void) {
  facts.booted_at = now();
  facts.pid = getpid();
  facts.pid1 = facts.pid == 1;
  fill_standard_descriptors();
  close_inherited_descriptors();
  raise_descriptor_limit();
  facts.subreaper = !facts.pid1 && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
}
