/*
 * The clock of the benchmarks, CLOCK_MONOTONIC in nanoseconds.
 *   stopwatch begin FILE COMMAND...   writes the time into FILE and becomes COMMAND
 *   stopwatch time COMMAND...         runs COMMAND without its output and prints how long it took:
 *                                     wall time, CPU time
 *   run                               a service: appends `start NAME PID TIME` to $STOPWATCH and,
 *                                     at TERM, `stop NAME PID TIME`; with $STOPWATCH_CPU also
 *                                     `cpu NAME PID NS`, the CPU time that all others have used
 */
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void note(const char *path, const char *what, const char *name, long long at) {
  char line[512];
  int length = snprintf(line, sizeof line, "%s %s %d %lld\n", what, name, getpid(), at);
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0 || write(fd, line, (size_t)length) != length) _exit(100);
  close(fd);
}

/*
 * The CPU time that all threads of all other processes have used so far, in nanoseconds: proc(5),
 * schedstat.
 */
static long long cpu_of_others(void) {
  long long sum = 0;
  glob_t found;
  char own[64];
  snprintf(own, sizeof own, "/proc/%d/", getpid());
  if (glob("/proc/[0-9]*/task/[0-9]*/schedstat", GLOB_NOSORT, NULL, &found) != 0) return 0;
  for (size_t at = 0; at < found.gl_pathc; at++) {
    long long used = 0;
    FILE *file = strncmp(found.gl_pathv[at], own, strlen(own)) == 0 ? NULL : fopen(found.gl_pathv[at], "r");
    if (file != NULL && fscanf(file, "%lld", &used) == 1) sum += used;
    if (file != NULL) fclose(file);
  }
  globfree(&found);
  return sum;
}

static int service(void) {
  long long at = now();
  char directory[PATH_MAX] = "-";
  const char *path = getenv("STOPWATCH");
  sigset_t term;
  if (path == NULL || getcwd(directory, sizeof directory) == NULL) return 100;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  sigaddset(&term, SIGINT); /* pm2's way to say it */
  sigprocmask(SIG_BLOCK, &term, NULL);
  note(path, "start", basename(directory), at);
  if (getenv("STOPWATCH_CPU") != NULL) note(path, "cpu", basename(directory), cpu_of_others());
  sigwaitinfo(&term, NULL);
  note(path, "stop", basename(directory), now());
  return 0;
}

static int begin(char **argv) {
  note(argv[0], "begin", "-", now());
  execvp(argv[1], argv + 1);
  return 127;
}

static double ms(struct timeval time) { return time.tv_sec * 1e3 + time.tv_usec / 1e3; }

static int time_command(char **argv) {
  int status;
  struct rusage usage;
  long long started = now();
  pid_t pid = vfork();
  if (pid == 0) {
    int null = open("/dev/null", O_RDWR);
    dup2(null, 1);
    execvp(argv[0], argv);
    _exit(127);
  }
  if (wait4(pid, &status, 0, &usage) != pid) return 100;
  printf("%.3f %.3f %d\n", (now() - started) / 1e6, ms(usage.ru_utime) + ms(usage.ru_stime), WEXITSTATUS(status));
  return 0;
}

int main(int argc, char **argv) {
  if (argc > 3 && strcmp(argv[1], "begin") == 0) return begin(argv + 2);
  if (argc > 2 && strcmp(argv[1], "time") == 0) return time_command(argv + 2);
  return service();
}
