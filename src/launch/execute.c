/*
 * As execvp, but never through a shell. Files that cannot be executed are passed over, and a
 * missing interpreter is not reported as a missing program.
 */
#include "execute.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

int execute(char **program, bool search) {
  const char *path = search && **program != '\0' && strchr(*program, '/') == NULL ? getenv("PATH") : "";
  if (path == NULL) path = DEFAULT_PATH;
  int error = ENOENT, code = 127;
  for (bool more = true; more; path++) {
    char file[PATH_MAX];
    int length = (int)strcspn(path, ":");
    if (snprintf(file, PATH_MAX, "%.*s%s%s", length, path, length > 0 ? "/" : "", *program) >= PATH_MAX) *file = '\0';
    execve(file, program, environ);
    int problem = errno;
    bool exists = access(file, F_OK) == 0;
    if (exists || !search) error = problem;
    if (exists) code = 126;
    path += length;
    more = *path != '\0' && (!exists || problem == EACCES);
  }
  errno = error;
  return code;
}
