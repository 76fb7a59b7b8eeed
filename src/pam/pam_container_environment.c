/*
 * Gives the sessions of cron and ssh the container's environment: the variables of
 * /etc/container_environment, byte for byte. pam_env(8) cannot do that: its files have no line ends
 * in values, and cut them at a #.
 */
#include <dirent.h>
#include <fcntl.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define DIRECTORY "/etc/container_environment"
#define MAX_VARIABLE (128 * 1024) /* MAX_ARG_STRLEN: no longer one can be given to a program */

/*
 * NAME=value into `variable`; false if the file cannot be one. One line end at its end is not part
 * of the value.
 */
static int read_variable(int directory, const char *name, char *variable) {
  size_t used = (size_t)snprintf(variable, MAX_VARIABLE, "%s=", name);
  struct stat status;
  ssize_t count = -1;
  int fd = openat(directory, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return 0;
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (size_t)status.st_size < MAX_VARIABLE - used)
    count = read(fd, variable + used, MAX_VARIABLE - used - 1);
  close(fd);
  if (count < 0 || memchr(variable + used, '\0', (size_t)count) != NULL) return 0;
  used += (size_t)count;
  if (count > 0 && variable[used - 1] == '\n') used--;
  variable[used] = '\0';
  return 1;
}

int pam_sm_open_session(pam_handle_t *handle, int flags, int argc, const char **argv) {
  (void)flags, (void)argc, (void)argv;
  DIR *directory = opendir(DIRECTORY);
  char *variable = malloc(MAX_VARIABLE);
  for (struct dirent *entry; directory != NULL && variable != NULL && (entry = readdir(directory)) != NULL;) {
    if (*entry->d_name == '.' || strchr(entry->d_name, '=') != NULL) continue;
    if (!read_variable(dirfd(directory), entry->d_name, variable)) continue;
    if (pam_putenv(handle, variable) != PAM_SUCCESS) pam_syslog(handle, LOG_WARNING, "%s cannot be set", entry->d_name);
  }
  free(variable);
  if (directory != NULL) closedir(directory);
  return PAM_SUCCESS;
}

int pam_sm_close_session(pam_handle_t *handle, int flags, int argc, const char **argv) {
  (void)handle, (void)flags, (void)argc, (void)argv;
  return PAM_SUCCESS;
}
