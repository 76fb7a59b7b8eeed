/*
 * Waits for DIRECTORY/go, writes lines of 100 bytes for so many seconds, says in DIRECTORY/written
 * how many bytes it wrote and how many milliseconds that took, and waits for DIRECTORY/stop.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE 100
#define LINES 600

static char lines[LINES * LINE];

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void wait_for(const char *name) {
  while (access(name, F_OK) != 0) usleep(5000);
}

int main(int argc, char **argv) {
  if (argc != 3 || chdir(argv[1]) != 0) return 2;
  memset(lines, 'x', sizeof lines);
  for (int line = 1; line <= LINES; line++) lines[line * LINE - 1] = '\n';
  wait_for("go");
  double begin = now(), end = begin + atof(argv[2]);
  long long bytes = 0;
  do {
    for (size_t at = 0; at < sizeof lines;) {
      ssize_t length = write(1, lines + at, sizeof lines - at);
      if (length < 0) return 1;
      at += length;
    }
    bytes += sizeof lines;
  } while (now() < end);
  FILE *report = fopen("written.new", "w");
  if (report == NULL) return 1;
  fprintf(report, "%lld %.0f\n", bytes, (now() - begin) * 1000);
  fclose(report);
  rename("written.new", "written");
  wait_for("stop");
  return 0;
}
