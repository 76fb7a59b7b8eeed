/*
 * Becomes PID 1 of a root file system that has no programs of its own: enter ROOT all|none UID
 * PROGRAM [ARGUMENT...]
 */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  int id = atoi(argv[3]), ids = setgroups(0, NULL);
  if (chroot(argv[1]) != 0 || chdir("/") != 0) return 3;
  for (int capability = 0; strcmp(argv[2], "none") == 0 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0;) capability++;
  if (id != 0 && (ids != 0 || setgid(id) != 0 || setuid(id) != 0)) return 4;
  execv(argv[4], argv + 4);
  perror(argv[4]);
  return 127;
}
