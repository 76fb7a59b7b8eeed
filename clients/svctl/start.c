/*
 * svctl as a program of its own: starts svctl.js with the Node beside it, or the image's. This
 * program needs no shell, no env and no library.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define CANNOT_EXECUTE 126
#define NOT_FOUND 127

/*
 * Variables meant for an application in the container: they would act on svctl before its first
 * line runs.
 */
static const char *const for_others[] = {
    "NODE_OPTIONS",         "NODE_PATH",   "NODE_EXTRA_CA_CERTS",      "NODE_DEBUG",             "NODE_DEBUG_NATIVE",
    "NODE_V8_COVERAGE",     "SSLKEYLOGFILE", "NODE_PENDING_DEPRECATION", "NODE_REDIRECT_WARNINGS", "OPENSSL_CONF",
    "UV_THREADPOOL_SIZE",   "UV_USE_IO_URING",
};

static bool find(char file[PATH_MAX], const char *path, const char *name) {
  for (size_t length; path != NULL && *path != '\0'; path += length + (path[length] == ':')) {
    length = strcspn(path, ":");
    int used = snprintf(file, PATH_MAX, "%.*s/%s", (int)length, path, name);
    if (length > 0 && used < PATH_MAX && access(file, X_OK) == 0) return true;
  }
  return false;
}

/* Libraries of the image are made for its libc, not for ours. */
static void forget_libraries(void) {
  char **kept = environ;
  for (char **at = environ; *at != NULL; at++)
    if (strncmp(*at, "LD_", 3) != 0) *kept++ = *at;
  *kept = NULL;
}

int main(int argc, char **argv) {
  char ourselves[PATH_MAX], node[PATH_MAX], script[PATH_MAX], old_node[PATH_MAX];
  if (realpath((const char *)getauxval(AT_EXECFN), ourselves) == NULL) {
    dprintf(2, "svctl: cannot find its own directory: %s\n", strerror(errno));
    return NOT_FOUND;
  }
  const char *home = dirname(ourselves);
  for (size_t at = 0; at < sizeof for_others / sizeof *for_others; at++) unsetenv(for_others[at]);
  if (find(node, home, "node")) forget_libraries();
  else if (!find(node, getenv("PATH"), "node") && !find(node, DEFAULT_PATH, "node")) {
    dprintf(2, "svctl: cannot find node in PATH or " DEFAULT_PATH ": svctl needs Node " MY_INIT_NODE " or newer\n");
    return NOT_FOUND;
  }
  /* kubectl knows its plugins by their names; the script has its own. */
  const char *name = argc > 0 ? strrchr(argv[0], '/') : NULL;
  name = name != NULL ? name + 1 : argc > 0 ? argv[0] : "";
  if (strcmp(name, "kubectl-svctl") == 0) setenv("SVCTL_CALLED_AS", name, 1);
  char **command = calloc((size_t)argc + 4, sizeof *command);
  if (command == NULL || snprintf(script, sizeof script, "%s/svctl.js", home) >= PATH_MAX) return NOT_FOUND;
  size_t words = 0;
  command[words++] = node;
  /* The image's own Node may be too old to read svctl.js at all. */
  if (snprintf(old_node, sizeof old_node, "%s/old-node.cjs", home) < PATH_MAX && access(old_node, R_OK) == 0) {
    command[words++] = "--require";
    command[words++] = old_node;
  }
  command[words++] = script;
  for (int at = 1; at < argc; at++) command[words++] = argv[at];
  execv(node, command);
  dprintf(2, "svctl: cannot execute %s: %s\n", node, strerror(errno));
  return CANNOT_EXECUTE;
}
