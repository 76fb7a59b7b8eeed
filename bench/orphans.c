/*
 * orphans DIRECTORY storm|heap COUNT: waits for DIRECTORY/go, leaves so many orphans to PID 1,
 * waits until all are reaped, says in DIRECTORY/reaped how many milliseconds that took, and waits
 * for DIRECTORY/stop. storm: one after the other, each a daemon's double fork. heap: all at once,
 * as zombies of a process that ends.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static void wait_for(const char *name) {
  while (access(name, F_OK) != 0) usleep(5000);
}

static void say(const char *name, double value) {
  FILE *file = fopen("new", "w");
  if (file == NULL || fprintf(file, "%.3f\n", value) < 0 || fclose(file) != 0 || rename("new", name) != 0) exit(1);
}

static int children_of_init(void) {
  static char text[1 << 20];
  int count = 0, fd = open("/proc/1/task/1/children", O_RDONLY);
  ssize_t length;
  if (fd < 0) exit(1);
  while ((length = read(fd, text, sizeof text)) > 0)
    for (ssize_t at = 0; at < length; at++) count += text[at] == ' ';
  close(fd);
  return count;
}

static pid_t start(void) {
  pid_t pid = fork();
  if (pid < 0) exit(1);
  return pid;
}

static void storm(int count) {
  for (int i = 0; i < count; i++) {
    pid_t pid = start();
    if (pid == 0) {
      start();
      _exit(0);
    }
    waitpid(pid, NULL, 0);
  }
}

/* The time at which the parent of the zombies ended. */
static double heap(int count) {
  pid_t parent = start();
  if (parent == 0) {
    for (int i = 0; i < count; i++)
      if (start() == 0) _exit(0);
    siginfo_t ended;
    for (pid_t pid = getpid() + 1; pid <= getpid() + count; pid++) waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT);
    say("heaped", now_ms());
    _exit(0);
  }
  waitpid(parent, NULL, 0);
  FILE *file = fopen("heaped", "r");
  double at;
  if (file == NULL || fscanf(file, "%lf", &at) != 1) exit(1);
  return at;
}

int main(int argc, char **argv) {
  if (argc != 4 || chdir(argv[1]) != 0) return 2;
  int before = children_of_init();
  wait_for("go");
  double begin = now_ms();
  if (strcmp(argv[2], "heap") == 0)
    begin = heap(atoi(argv[3]));
  else
    storm(atoi(argv[3]));
  while (children_of_init() > before) usleep(1000);
  say("reaped", now_ms() - begin);
  wait_for("stop");
  return 0;
}
